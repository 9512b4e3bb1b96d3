import pg from "pg";
import type { Logger } from "../runtime/log.js";
import { unnamedClient } from "./unnamed-client.js";

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

// Counts and seqs fit a double exactly; amounts are NUMERIC and stay text.
const INT8_OID = 20;
pg.types.setTypeParser(INT8_OID, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error("a stored count does not fit a safe integer");
  return value;
});

export interface PoolOptions {
  readonly connectionsMax: number;
  readonly statementTimeoutMs: number;
  readonly applicationName: string;
  /**
   * True, the default: statements with names are prepared once per connection. False behind a pooler in
   * transaction mode: nothing outlives a transaction, neither statements nor settings.
   */
  readonly preparedStatements?: boolean;
  /** Settings of the server for every session, unless the URL has `options` of its own. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log?: Logger;
}

/** Opens a pool with limits on connections and time. Idle connections that break are logged and replaced. */
export function openPool(url: string, options: PoolOptions): Pool {
  const { statementTimeoutMs, preparedStatements = true, settings = {} } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connectionsMax,
    // Statements that are sent without waiting for one another go out at once, each answered in its turn.
    pipeline: true,
    application_name: options.applicationName,
    ...(preparedStatements
      ? { statement_timeout: statementTimeoutMs, options: startOptions(settings) }
      : { Client: unnamedClient({ statement_timeout: String(statementTimeoutMs), ...settings }) }),
    // The server gives up first; this one is for a server that no longer answers at all.
    query_timeout: statementTimeoutMs + 1_000,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // A connection that breaks while it is in use also says so here; the query that was running reports it.
  // Without a listener it would end the process.
  pool.on("connect", (client) => client.on("error", () => {}));
  // Not the error whole: the driver hangs the connection on it, with its keys and every statement.
  pool.on("error", ({ message }) => options.log?.warn({ cause: message }, "idle database connection lost"));
  return pool;
}

function startOptions(settings: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  return all.length === 0 ? undefined : all.join(" ");
}
