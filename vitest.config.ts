import { defineConfig } from "vitest/config";

// Tests run the sources of every workspace (condition "source"), so they never need a build.
const conditions = ["source", "node"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["services/**/src/**/*.test.ts", "scripts/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // One PostgreSQL for the whole run; every test file takes databases of its own from it.
    globalSetup: ["services/local/src/testing/global-setup.ts"],
    pool: "forks",
    // Two at a time: more only makes real processes and fsyncs wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What a test starts must be ended by the test; a worker that hangs is a failure.
    teardownTimeout: 10_000,
    reporters: ["default"],
  },
});
