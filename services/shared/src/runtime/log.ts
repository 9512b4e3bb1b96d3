import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/** Never in a log line, wherever they stand in the logged object. */
const REDACTED = [
  "token",
  "authorization",
  "password",
  "secret",
  "privateKey",
  "*.token",
  "*.authorization",
  "*.password",
];

/** JSON lines on standard output: epoch milliseconds, level, service, event facts. */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service },
    redact: REDACTED,
    formatters: { level: (label) => ({ level: label }) },
  });
}
