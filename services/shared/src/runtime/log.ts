import { type Logger, type LoggerOptions, pino } from "pino";

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

/**
 * JSON lines on standard output: epoch milliseconds, level, service, event facts. They are written beside the
 * thread; with `isSync` at once, for what a process says right before it ends.
 */
export function createLogger(options: { service: string; level: string; isSync?: boolean }): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    redact: REDACTED,
    formatters: { level: (label) => ({ level: label }) },
  };
  return options.isSync === true ? pino(settings, pino.destination({ dest: 1, sync: true })) : pino(settings);
}
