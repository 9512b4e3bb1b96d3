// A connection through a pooler in transaction mode: consecutive transactions may run on different sessions.
import pg from "pg";

/**
 * The driver's client for such a pooler. Nothing of it lives longer than a transaction: statements lose
 * their names, so none is prepared, and `settings` go with each BEGIN instead of the start of the session,
 * where a pooler would refuse them. A statement outside a transaction runs without them.
 */
export function unnamedClient(settings: Readonly<Record<string, string>>): typeof pg.Client {
  const set = Object.entries(settings).map(
    ([name, value]) => `; SET LOCAL ${name} = ${pg.escapeLiteral(value)}`,
  );
  const suffix = set.join("");
  const rewritten = (query: unknown): unknown => {
    if (typeof query === "string") return /^BEGIN\b[^;]*$/i.test(query) ? query + suffix : query;
    if (typeof query !== "object" || query === null || !("name" in query)) return query;
    return { ...query, name: undefined };
  };
  return class extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: the driver's method has twelve signatures; the first argument alone matters.
    override query(query: any, ...rest: any[]): any {
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      return (super.query as any)(rewritten(query), ...rest);
    }
  };
}
