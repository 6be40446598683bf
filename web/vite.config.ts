import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The node serves the built pages itself, so the build lands inside the Python package.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../src/luytre/api/static',
    emptyOutDir: true,
    target: ['chrome107', 'firefox104', 'safari16'],
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
