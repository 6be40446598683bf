/** Light or dark: what the user chose; otherwise the wall is dark, everything else light. */
import { MantineProvider } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { createContext, useContext, useMemo, useState } from 'react';
import { recall, remember } from '../kit/remembered';
import { theme } from '../kit/theme';

type Scheme = 'light' | 'dark';
const KEY = 'scheme';

const SchemeContext = createContext<{ scheme: Scheme; toggle: () => void }>({
  scheme: 'light',
  toggle: () => undefined,
});

function chosen(): Scheme | null {
  const value = recall(KEY);
  return value === 'light' || value === 'dark' ? value : null;
}

export function SchemeProvider({ children }: { children: React.ReactNode }) {
  const [choice, setChoice] = useState(chosen);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const scheme = choice ?? (path === '/' ? 'dark' : 'light');
  const value = useMemo(
    () => ({
      scheme,
      toggle: () => {
        const next = scheme === 'dark' ? 'light' : 'dark';
        remember(KEY, next);
        setChoice(next);
      },
    }),
    [scheme],
  );
  return (
    <SchemeContext.Provider value={value}>
      <MantineProvider theme={theme} forceColorScheme={scheme}>
        {children}
      </MantineProvider>
    </SchemeContext.Provider>
  );
}

export function useScheme() {
  return useContext(SchemeContext);
}
