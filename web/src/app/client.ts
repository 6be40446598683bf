/** How questions to the node are repeated, and what happens when it says "log in". */
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from '../client/problem';
import { keys } from '../client/queries';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: Problem;
  }
}

export function makeClient(onLoggedOut: () => void): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (problem) => {
        if (problem.kind !== 'unauthenticated') return;
        client.setQueryData(keys.session, null);
        onLoggedOut();
      },
    }),
    defaultOptions: {
      queries: {
        // An answer of the node is an answer; only silence is asked again.
        retry: (count, problem) => problem.status === 0 && count < 2,
        retryDelay: 1_000,
        staleTime: 2_000,
        // A ward's node works without the internet; the browser's opinion on being online says nothing about it.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
