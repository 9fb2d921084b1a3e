import { defineConfig } from 'vitest/config';

const slow = 'test/**/*.slow.test.ts';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [slow], testTimeout: 20_000 } },
      { test: { name: 'slow', include: [slow], testTimeout: 600_000, hookTimeout: 120_000, fileParallelism: false } },
    ],
  },
});
