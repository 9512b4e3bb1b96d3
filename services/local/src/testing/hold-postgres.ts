// A supervisor for the test that kills one: starts PostgreSQL in the given folder, prints its pid, and waits.
import { join } from "node:path";
import { startPostgres } from "../postgres-server.js";

const folder = process.argv[2] ?? "";
const server = await startPostgres({
  dataDir: join(folder, "data"),
  port: 0,
  logFile: join(folder, "postgres.log"),
  password: "test",
  isDurable: false,
});
console.log(`${server.pid} ready`);
await server.ended;
