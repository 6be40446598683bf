import '@mantine/core/styles.css';
import './kit/fonts.css';
import './kit/tokens.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { makeClient } from './app/client';
import { startLanguage } from './app/i18n';
import { makeRouter } from './app/router';

const client = makeClient(() => {
  const { location } = router.state;
  if (location.pathname !== '/login') void router.navigate({ to: '/login', search: { next: location.href } });
});
const router = makeRouter(client);

void startLanguage().then(() => {
  const root = document.getElementById('root');
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
});
