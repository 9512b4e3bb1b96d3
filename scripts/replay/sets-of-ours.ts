// The project's own replay sets: seeded flow in file form, with the slow book's verdict.
import { calmFlow, type FlowCommand, type FlowShape, orderFlow } from "@bourse/shared/testing/order-flow.js";
import { formatScaled } from "./decimal.js";
import { type Book, type Command, type ReplayEvent, type Scale, scaleCommands, scaleOf } from "./scale.js";
import type { CommandRow, LevelText, SideLetter } from "./set.js";
import { applyCommand, depthOf, emptyBook, restingOf } from "./slow-book.js";

/** How one set is made. */
export interface Recipe {
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  readonly seeds: number;
  readonly commands: number;
  readonly shape: FlowShape;
  /** Decimals of a tick and of a lot in the file's units. */
  readonly tickDecimals: number;
  readonly lotDecimals: number;
  /** Decimals as printed: trailing zeros must not matter to a reader. */
  readonly priceDecimalsPrinted: number;
  readonly quantityDecimalsPrinted: number;
  /** True when every second cancel of the flow takes only some off its order, or all of it. */
  readonly hasReductions?: boolean;
}

/** The committed sets. Changing a line here changes a folder of `sets/`. */
export const recipes: readonly Recipe[] = [
  {
    name: "calm",
    title: "Seeded: a calm market, tick 0.01, lot 0.00001",
    seed: 11,
    seeds: 120,
    commands: 1_500,
    shape: calmFlow,
    tickDecimals: 2,
    lotDecimals: 5,
    priceDecimalsPrinted: 2,
    quantityDecimalsPrinted: 5,
  },
  {
    name: "fine-lots",
    title: "Seeded: eight decimals of quantity, so that prices must be scaled",
    seed: 12,
    seeds: 60,
    commands: 2_000,
    shape: { ...calmFlow, midTicks: 23_600, quantityLotsMin: 12_345, crossShare: 0.15 },
    tickDecimals: 2,
    lotDecimals: 8,
    priceDecimalsPrinted: 2,
    quantityDecimalsPrinted: 8,
  },
  {
    name: "thin-takers",
    title: "Seeded: a thin book of whole shares that takers sweep",
    seed: 13,
    seeds: 12,
    commands: 700,
    shape: {
      midTicks: 58_500,
      quantityLotsMin: 3,
      restingTarget: 15,
      marketShare: 0.08,
      iocShare: 0.15,
      crossShare: 0.2,
    },
    tickDecimals: 2,
    lotDecimals: 0,
    priceDecimalsPrinted: 4,
    quantityDecimalsPrinted: 0,
  },
  {
    name: "reductions",
    title: "Seeded: orders lose some of their quantity and keep their place",
    seed: 14,
    seeds: 40,
    commands: 1_000,
    shape: { ...calmFlow, crossShare: 0.2 },
    tickDecimals: 2,
    lotDecimals: 5,
    priceDecimalsPrinted: 2,
    quantityDecimalsPrinted: 5,
    hasReductions: true,
  },
];

/** The files of a set by name, as text before compression. */
export function makeSet(recipe: Recipe): ReadonlyMap<string, string> {
  const rows = commandRows(recipe);
  const scale = scaleOf(rows);
  const commands = scaleCommands(rows, scale);
  const book = emptyBook();
  const events: ReplayEvent[] = [];
  const depth: string[] = [];
  for (const command of commands) {
    events.push(...applyCommand(book, command));
    const isCheckpoint = command.n % 500 === 0 || command.n === commands.at(-1)?.n;
    if (isCheckpoint) depth.push(depthLine(command, depthOf(book, 20), recipe, scale));
  }
  const resting = restingOf(book).map((order) =>
    [
      order.side,
      printPrice(recipe, scale, order.priceTicks),
      order.position,
      order.id,
      printQuantity(recipe, scale, order.leftLots),
    ].join(","),
  );
  return new Map([
    ["commands.csv", joinLines(["n,ts,op,id,side,type,price,qty,recorded_left", ...rows.map(commandLine)])],
    [
      "reference.csv",
      joinLines(["n,event,maker_id,taker_id,price,qty", ...events.map((e) => eventLine(e, recipe, scale))]),
    ],
    ["reference_depth.jsonl", joinLines(depth)],
    ["reference_resting.csv", joinLines(["side,price,position,id,left", ...resting])],
    ["meta.json", metaText(recipe, rows, events)],
  ]);
}

/** The flow as rows: the first resting limits that do not cross become seeds. */
function commandRows(recipe: Recipe): CommandRow[] {
  const flow = [...seedFlow(recipe), ...orderFlow(recipe.seed, recipe.commands, recipe.shape)];
  const lotsOf = new Map(
    flow.flatMap((command) => (command.type === "place" ? [[command.id, command.quantityLots]] : [])),
  );
  return flow.map((command, index) => {
    const n = index + 1;
    if (recipe.hasReductions !== true || command.type === "place" || n % 2 === 0)
      return commandRow(recipe, command, n, index < recipe.seeds);
    // A third, two thirds, or all that the order ever had.
    const lots = Math.ceil(((lotsOf.get(command.id) ?? 0) * (1 + (n % 3))) / 3);
    const quantity = printSteps(BigInt(lots), recipe.lotDecimals, recipe.quantityDecimalsPrinted);
    return { ...baseOf(command, n), op: "REDUCE", quantity };
  });
}

/** What all rows have. */
function baseOf(command: FlowCommand, n: number) {
  return { n, ts: String(1_700_000_000_000 + n * 250), id: String(command.id) };
}

/** Limits of a flow of its own, buys below the mid and sells above it; ids below zero. */
function seedFlow(recipe: Recipe): FlowCommand[] {
  const seeds: FlowCommand[] = [];
  const mid = recipe.shape.midTicks;
  for (const command of orderFlow(recipe.seed + 1_000, recipe.seeds * 20, recipe.shape)) {
    if (command.type !== "place" || command.kind !== "LIMIT" || seeds.length === recipe.seeds) continue;
    const isApart = command.side === "buy" ? command.priceTicks < mid : command.priceTicks > mid;
    if (isApart) seeds.push({ ...command, id: -seeds.length - 1 });
  }
  return seeds;
}

function commandRow(recipe: Recipe, command: FlowCommand, n: number, isSeed: boolean): CommandRow {
  const base = baseOf(command, n);
  if (command.type === "cancel") return { ...base, op: "CANCEL", recordedLeft: "" };
  const side: SideLetter = command.side === "buy" ? "B" : "S";
  const price =
    command.kind === "MARKET"
      ? ""
      : printSteps(BigInt(command.priceTicks), recipe.tickDecimals, recipe.priceDecimalsPrinted);
  const quantity = printSteps(
    BigInt(command.quantityLots),
    recipe.lotDecimals,
    recipe.quantityDecimalsPrinted,
  );
  return { ...base, op: isSeed ? "SEED" : "NEW", side, type: command.kind, price, quantity };
}

function commandLine(row: CommandRow): string {
  if (row.op === "CANCEL") return `${row.n},${row.ts},${row.op},${row.id},,,,,${row.recordedLeft}`;
  if (row.op === "REDUCE") return `${row.n},${row.ts},${row.op},${row.id},,,,${row.quantity},`;
  return `${row.n},${row.ts},${row.op},${row.id},${row.side},${row.type},${row.price},${row.quantity},`;
}

function eventLine(event: ReplayEvent, recipe: Recipe, scale: Scale): string {
  const price = event.priceTicks === undefined ? "" : printPrice(recipe, scale, event.priceTicks);
  const quantity = event.quantityLots === undefined ? "" : printQuantity(recipe, scale, event.quantityLots);
  return `${event.n},${event.event},${event.makerId},${event.takerId},${price},${quantity}`;
}

function depthLine(command: Command, book: Book, recipe: Recipe, scale: Scale): string {
  const levels = (side: Book["bids"]): LevelText[] =>
    side.map((level) => [
      printPrice(recipe, scale, level.priceTicks),
      printQuantity(recipe, scale, level.quantityLots),
    ]);
  return JSON.stringify({ after_n: command.n, bids: levels(book.bids), asks: levels(book.asks) });
}

function metaText(recipe: Recipe, rows: readonly CommandRow[], events: readonly ReplayEvent[]): string {
  const counts: Record<string, number> = {};
  for (const { event } of events) counts[event] = (counts[event] ?? 0) + 1;
  const meta = {
    name: recipe.title,
    seed: recipe.seed,
    seeds: recipe.seeds,
    commands: rows.length - recipe.seeds,
    reference_events: counts,
  };
  return `${JSON.stringify(meta, undefined, 1)}\n`;
}

function printPrice(recipe: Recipe, scale: Scale, ticks: bigint): string {
  return printSteps(ticks, scale.priceDecimals, recipe.priceDecimalsPrinted);
}

function printQuantity(recipe: Recipe, scale: Scale, lots: bigint): string {
  return printSteps(lots, scale.quantityDecimals, recipe.quantityDecimalsPrinted);
}

/** Decimal text with a fixed number of decimals, as recorded files print it. */
function printSteps(steps: bigint, decimals: number, printed: number): string {
  const text = formatScaled(steps, decimals);
  if (printed === 0) return text;
  const [whole = "0", fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(printed, "0")}`;
}

function joinLines(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
