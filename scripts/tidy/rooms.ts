// The import table of the repository: which room may import which. Rooms are the four of a service
// (core, flow, io, rpc with http) and the matcher's record, its main and config files, shared's ordered
// rooms, and the users of the contracts (client, bots, local, e2e, scripts).
import { posix } from "node:path";
import type { Finding, Import, Source } from "./source.js";

/** Services with four rooms. What is not named here is shared or a user of the contracts. */
const SERVICES = new Set(["matcher", "wallet", "order-gateway", "market-data"]);

/** record holds the codec of the matcher's journal. */
const ROOMS = new Set(["core", "flow", "io", "record", "rpc", "http", "testing"]);

/**
 * shared from the top of its list to the bottom: a room may import its own row and the rows above.
 * The first row is what a core may use, so it imports no library.
 */
const SHARED_ROWS: readonly (readonly string[])[] = [
  ["assert", "units", "errors/domain-error"],
  ["ids"],
  ["gen"],
  ["errors/to-wire", "errors/from-wire", "errors"],
  ["runtime"],
  ["rpc"],
  ["http"],
  ["postgres"],
  ["events"],
  ["testing"],
];

/** Other workspaces that a user of the contracts may import; shared is judged by row. */
const USERS: Readonly<Record<string, { workspaces: readonly string[]; sharedNever: readonly string[] }>> = {
  client: { workspaces: [], sharedNever: ["postgres", "events", "testing"] },
  bots: { workspaces: ["client"], sharedNever: ["postgres", "events"] },
  local: { workspaces: ["client", "bots"], sharedNever: ["events"] },
  e2e: { workspaces: ["client", "bots", "local"], sharedNever: [] },
  web: { workspaces: ["client"], sharedNever: ["postgres", "events", "runtime", "rpc", "testing"] },
  cli: { workspaces: ["client"], sharedNever: ["postgres", "events", "testing"] },
  notifier: { workspaces: ["client"], sharedNever: ["postgres", "testing"] },
  scripts: { workspaces: ["client", "bots", "local"], sharedNever: [] },
};

/** Where something lies: workspace, and the path inside its `src`. */
interface Place {
  readonly workspace: string;
  readonly inner: string;
}

/** What an import points at: a library, a module of node, or a place in this repository. */
type Target = { readonly type: "library" | "node" } | ({ readonly type: "place" } & Place);

/** Imports of a file that the table does not allow. */
export function checkRooms(source: Source): Finding[] {
  const from = placeOf(source.path);
  if (from === undefined) return [];
  const finding = (line: number, text: string): Finding => ({ path: source.path, line, rule: "rooms", text });

  const findings: Finding[] = [];
  const stray = strayReason(from, source);
  if (stray !== undefined) findings.push(finding(0, stray));
  for (const imported of source.imports) {
    const reason = refusal(from, imported, targetOf(source.path, imported.specifier), source.isTest);
    if (reason !== undefined)
      findings.push(finding(imported.line, `imports ${imported.specifier}: ${reason}`));
  }
  return findings;
}

/** Place of a file by its path; undefined for what lies in no workspace (root config files). */
function placeOf(path: string): Place | undefined {
  const service = /^services\/([^/]+)\/(?:src|dist)\/(.+)$/.exec(path);
  if (service !== null) return { workspace: service[1] ?? "", inner: stem(service[2] ?? "") };
  const script = /^scripts\/(.+)$/.exec(path);
  return script === null ? undefined : { workspace: "scripts", inner: stem(script[1] ?? "") };
}

function stem(path: string): string {
  return path.replace(/\.(ts|js|mjs)$/, "");
}

function targetOf(fromPath: string, specifier: string): Target {
  if (specifier.startsWith("node:")) return { type: "node" };
  if (specifier.startsWith(".")) {
    const place = placeOf(posix.join(posix.dirname(fromPath), specifier));
    return place === undefined
      ? { type: "place", workspace: "", inner: specifier }
      : { type: "place", ...place };
  }
  const own = /^@bourse\/([^/]+)\/(.+)$/.exec(specifier);
  if (own === null) return { type: "library" };
  return { type: "place", workspace: own[1] ?? "", inner: stem(own[2] ?? "") };
}

function strayReason(from: Place, source: Source): string | undefined {
  if (source.isTest) return undefined;
  if (from.workspace === "shared") return sharedRow(from.inner) < 0 ? "lies in no room of shared" : undefined;
  if (!SERVICES.has(from.workspace)) return undefined;
  return roomOf(from) === "none"
    ? "lies in no room: core, flow, io, record, rpc, http, *main.ts or *config.ts"
    : undefined;
}

/** Room of a place in a service with four rooms. */
function roomOf(place: Place): string {
  const [first = ""] = place.inner.split("/");
  if (place.inner.includes("/")) return ROOMS.has(first) ? first : "none";
  if (/(^|-)main$/.test(first)) return "main";
  return /(^|-)config$/.test(first) ? "config" : "none";
}

/** Why this import is refused; undefined when it is allowed. */
function refusal(from: Place, imported: Import, target: Target, isTest: boolean): string | undefined {
  if (target.type === "place" && target.workspace === "") return "leads out of the workspaces";
  const foreign = foreignRefusal(from, target);
  if (foreign !== undefined) return foreign;
  if (from.workspace === "shared") return sharedRefusal(from, target, isTest);
  if (isTest || !SERVICES.has(from.workspace)) return undefined;
  return serviceRefusal(from, imported, target);
}

/** Between workspaces: shared for all; a service never; users of the contracts by their list. */
function foreignRefusal(from: Place, target: Target): string | undefined {
  if (target.type !== "place" || target.workspace === from.workspace) return undefined;
  const user = USERS[from.workspace];
  if (target.workspace === "shared") {
    const room = target.inner.split("/")[0] ?? "";
    return user?.sharedNever.includes(room) === true
      ? `${from.workspace} may not use shared ${room}`
      : undefined;
  }
  if (user?.workspaces.includes(target.workspace) === true) return undefined;
  const isSimulator = from.workspace === "scripts" || from.workspace === "e2e";
  if (isSimulator && target.workspace === "matcher" && target.inner.startsWith("core/")) return undefined;
  return SERVICES.has(target.workspace) ? "services meet in proto/ only" : `not for ${from.workspace}`;
}

function sharedRefusal(from: Place, target: Target, isTest: boolean): string | undefined {
  const row = sharedRow(from.inner);
  if (target.type !== "place")
    return row === 0 && !isTest ? "what a core may use imports no library" : undefined;
  if (isTest) return undefined;
  return sharedRow(target.inner) > row ? "stands lower in the list of shared" : undefined;
}

function sharedRow(inner: string): number {
  return SHARED_ROWS.findIndex((row) => row.some((room) => inner === room || inner.startsWith(`${room}/`)));
}

function serviceRefusal(from: Place, imported: Import, target: Target): string | undefined {
  const room = roomOf(from);
  switch (room) {
    case "core":
      return coreRefusal(target);
    case "flow":
      return flowRefusal(imported, target);
    case "io":
      return edgeRefusal(
        "io",
        { types: ["core"], never: ["flow", "record", "rpc", "http", "main", "config"] },
        imported,
        target,
      );
    // Records are made of the core's own rows of numbers and read back into them, without objects in between, so
    // their codec uses the core; the words of the contract it has from rpc, which knows nothing of records.
    case "record":
      return edgeRefusal(
        room,
        { types: ["flow"], never: ["io", "http", "main", "config"] },
        imported,
        target,
      );
    case "rpc":
    case "http":
      return edgeRefusal(
        room,
        { types: ["core", "flow"], never: ["io", "record", "main", "config"] },
        imported,
        target,
      );
    case "config":
      return target.type === "place" && target.workspace !== "shared" && roomOf(target) !== "config"
        ? "config names settings only"
        : undefined;
    default:
      return target.type === "place" && target.inner.startsWith("testing/")
        ? "only tests may import testing"
        : undefined;
  }
}

function coreRefusal(target: Target): string | undefined {
  if (target.type !== "place") return "core imports no library and no node: module";
  if (target.workspace === "shared") {
    return sharedRow(target.inner) === 0
      ? undefined
      : "core uses shared assert, units and errors/domain-error only";
  }
  return roomOf(target) === "core" ? undefined : `core may not import ${roomOf(target)}`;
}

function flowRefusal(imported: Import, target: Target): string | undefined {
  if (target.type !== "place") {
    return imported.isTypeOnly ? undefined : "flow reaches the world through io; of a library only types";
  }
  if (target.workspace === "shared")
    return target.inner.startsWith("gen/") ? "flow may not import gen" : undefined;
  const room = roomOf(target);
  return room === "core" || room === "io" || room === "flow" ? undefined : `flow may not import ${room}`;
}

/** io, record, rpc and http: their own room and shared freely, some rooms as types only, some never. */
function edgeRefusal(
  own: string,
  rooms: { readonly types: readonly string[]; readonly never: readonly string[] },
  imported: Import,
  target: Target,
): string | undefined {
  if (target.type !== "place" || target.workspace === "shared") return undefined;
  const room = roomOf(target);
  if (room === "testing") return "only tests may import testing";
  if (rooms.never.includes(room)) return `${own} may not import ${room}`;
  if (rooms.types.includes(room) && !imported.isTypeOnly) return `${own} may import types of ${room} only`;
  return undefined;
}
