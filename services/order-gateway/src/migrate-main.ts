// Brings the order history's schema up to date and ends: before a release, so that its processes find it ready. `--to N` undoes.
import { migrateOnce } from "@bourse/shared/postgres/migrate-once.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { projectorSettings } from "./projector-config.js";

const { postgresUrl } = loadConfig(projectorSettings);
await migrateOnce({
  url: postgresUrl,
  migrations: new URL("../migrations/", import.meta.url),
  schema: "orders",
  args: process.argv.slice(2),
});
