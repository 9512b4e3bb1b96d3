// The cases that the benchmark's gate plays on an empty book, by name, with what must be reported.
//
// Messages: `+S 7 100x5` sells 5 at 100 as order 7 (`+B` buys, `ioc` behind it cuts the rest), `-7` cancels it,
// `~7 101x3` modifies it. Reports are canonical lines.
import { CANCEL, type Message, MODIFY, NEW } from "./workload.js";

export interface NamedCase {
  readonly name: string;
  readonly messages: readonly Message[];
  readonly reports: readonly string[];
}

const HIGHEST_PRICE = Number.MAX_SAFE_INTEGER;
const LARGEST_ID = 2n ** 64n - 1n;
const LEVELS = 5_000;
const DEEP = 90;

export const namedCases: readonly NamedCase[] = [
  named("cancel middle then sweep", "+S 1 100x5 | +S 2 100x5 | +S 3 100x5 | -2 | +B 4 100x10", [
    "0,0,1,1,100,5 0,1,1,2,100,5 0,2,1,3,100,5 2,3,1,2,100",
    "0,4,0,4,100,10 1,4,100,5,1,4 1,4,100,5,3,4",
  ]),
  named("cancel head then sweep", "+S 1 100x5 | +S 2 100x5 | +S 3 100x5 | -1 | +B 4 100x10", [
    "0,0,1,1,100,5 0,1,1,2,100,5 0,2,1,3,100,5 2,3,1,1,100",
    "0,4,0,4,100,10 1,4,100,5,2,4 1,4,100,5,3,4",
  ]),
  named("multi-level IOC sweep", "+S 1 100x2 | +S 2 101x2 | +S 3 103x2 | +B 4 102x6 ioc | +B 5 103x1", [
    "0,0,1,1,100,2 0,1,1,2,101,2 0,2,1,3,103,2",
    "0,3,0,4,102,6 1,3,100,2,1,4 1,3,101,2,2,4 2,3,0,4,102",
    "0,4,0,5,103,1 1,4,103,1,3,5",
  ]),
  named("modify into cross", "+S 1 105x3 | +B 2 100x5 | ~2 105x5 | +S 3 105x2", [
    "0,0,1,1,105,3 0,1,0,2,100,5 1,2,105,3,1,2 3,2,0,2,105,5 0,3,1,3,105,2 1,3,105,2,2,3",
  ]),
  named("modify into cross with price improvement", "+S 1 101x3 | +S 2 103x3 | +B 3 99x4 | ~3 104x4", [
    "0,0,1,1,101,3 0,1,1,2,103,3 0,2,0,3,99,4 1,3,101,3,1,3 1,3,103,1,2,3 3,3,0,3,104,4",
  ]),
  named("modify of a partially filled rest", "+B 1 100x10 | +S 2 100x4 | ~1 99x8 | +S 3 99x9 ioc", [
    "0,0,0,1,100,10 0,1,1,2,100,4 1,1,100,4,1,2 3,2,0,1,99,8",
    "0,3,1,3,99,9 1,3,99,8,1,3 2,3,1,3,99",
  ]),
  named(
    "modify on a shared level leaves siblings",
    "+B 1 100x1 | +B 2 100x2 | +B 3 100x3 | ~2 100x2 | +S 4 100x6",
    [
      "0,0,0,1,100,1 0,1,0,2,100,2 0,2,0,3,100,3 3,3,0,2,100,2",
      "0,4,1,4,100,6 1,4,100,1,1,4 1,4,100,3,3,4 1,4,100,2,2,4",
    ],
  ),
  named("partial fill then cancel", "+S 1 100x10 | +B 2 100x4 | -1 | +B 3 100x1 | -3", [
    "0,0,1,1,100,10 0,1,0,2,100,4 1,1,100,4,1,2 2,2,1,1,100 0,3,0,3,100,1 2,4,0,3,100",
  ]),
  named("exact drain of a rest", "+S 1 100x3 | +B 2 100x3 | +B 3 100x1 | -3", [
    "0,0,1,1,100,3 0,1,0,2,100,3 1,1,100,3,1,2 0,2,0,3,100,1 2,3,0,3,100",
  ]),
  named("full fill then stale cancel", "+S 1 100x3 | +B 2 100x3 | -1 | -2", [
    "0,0,1,1,100,3 0,1,0,2,100,3 1,1,100,3,1,2 4,2,1 4,3,2",
  ]),
  named("stale modify", "+S 1 100x3 | +B 2 100x3 | ~1 101x1 | -1", [
    "0,0,1,1,100,3 0,1,0,2,100,3 1,1,100,3,1,2 5,2,1 4,3,1",
  ]),
  named(
    "FIFO at one price with several aggressors",
    "+B 1 100x2 | +B 2 100x2 | +B 3 100x2 | +S 4 100x3 | +S 5 100x2 | +S 6 100x1",
    [
      "0,0,0,1,100,2 0,1,0,2,100,2 0,2,0,3,100,2 0,3,1,4,100,3 1,3,100,2,1,4 1,3,100,1,2,4",
      "0,4,1,5,100,2 1,4,100,1,2,5 1,4,100,1,3,5 0,5,1,6,100,1 1,5,100,1,3,6",
    ],
  ),
  deepFifo(),
  named("sweep whose rest becomes the new best", "+S 1 100x2 | +S 2 102x1 | +B 3 101x5 | +S 4 99x3", [
    "0,0,1,1,100,2 0,1,1,2,102,1 0,2,0,3,101,5 1,2,100,2,1,3 0,3,1,4,99,3 1,3,101,3,3,4",
  ]),
  named("exact multi-level boundary", "+S 1 100x2 | +S 2 101x3 | +S 3 102x1 | +B 4 102x5 | +B 5 102x1", [
    "0,0,1,1,100,2 0,1,1,2,101,3 0,2,1,3,102,1 0,3,0,4,102,5 1,3,100,2,1,4 1,3,101,3,2,4",
    "0,4,0,5,102,1 1,4,102,1,3,5",
  ]),
  named(
    "price priority on both sides with reversed arrival",
    "+B 1 98x1 | +B 2 99x1 | +B 3 100x1 | +S 4 98x3 | +S 5 103x1 | +S 6 102x1 | +S 7 101x1 | +B 8 103x3",
    [
      "0,0,0,1,98,1 0,1,0,2,99,1 0,2,0,3,100,1 0,3,1,4,98,3 1,3,100,1,3,4 1,3,99,1,2,4 1,3,98,1,1,4",
      "0,4,1,5,103,1 0,5,1,6,102,1 0,6,1,7,101,1 0,7,0,8,103,3 1,7,101,1,7,8 1,7,102,1,6,8 1,7,103,1,5,8",
    ],
  ),
  named("taker price in both directions", "+S 1 100x1 | +B 2 105x1 | +B 3 100x1 | +S 4 95x1", [
    "0,0,1,1,100,1 0,1,0,2,105,1 1,1,100,1,1,2 0,2,0,3,100,1 0,3,1,4,95,1 1,3,100,1,3,4",
  ]),
  named("cancel of the best level re-finds the next", "+S 1 100x1 | +S 2 105x1 | -1 | +B 3 105x1", [
    "0,0,1,1,100,1 0,1,1,2,105,1 2,2,1,1,100 0,3,0,3,105,1 1,3,105,1,2,3",
  ]),
  named("cancel empties a side then refill", "+B 1 100x1 | -1 | +S 2 99x1 | +B 3 99x1", [
    "0,0,0,1,100,1 2,1,0,1,100 0,2,1,2,99,1 0,3,0,3,99,1 1,3,99,1,2,3",
  ]),
  named("IOC partial must not rest", "+S 1 100x2 | +B 2 100x5 ioc | +S 3 100x3 | -2 | -3", [
    "0,0,1,1,100,2 0,1,0,2,100,5 1,1,100,2,1,2 2,1,0,2,100 0,2,1,3,100,3 4,3,2 2,4,1,3,100",
  ]),
  named("limit stops at its own price", "+S 1 100x1 | +S 2 101x1 | +B 3 100x5 | +S 4 100x4 | -2", [
    "0,0,1,1,100,1 0,1,1,2,101,1 0,2,0,3,100,5 1,2,100,1,1,3 0,3,1,4,100,4 1,3,100,4,3,4 2,4,1,2,101",
  ]),
  named("cancel of an id never issued", "-999 | ~998 100x1 | +B 1 100x1", ["4,0,999 5,1,998 0,2,0,1,100,1"]),
  named("an id is used again once it is closed", "+B 1 100x1 | -1 | +S 1 101x2 | +B 2 101x2 | -1", [
    "0,0,0,1,100,1 2,1,0,1,100 0,2,1,1,101,2 0,3,0,2,101,2 1,3,101,2,1,2 4,4,1",
  ]),
  named("highest legal price", `+S 1 ${HIGHEST_PRICE}x1 | +B 2 ${HIGHEST_PRICE}x1 | +B 3 1x1`, [
    `0,0,1,1,${HIGHEST_PRICE},1 0,1,0,2,${HIGHEST_PRICE},1 1,1,${HIGHEST_PRICE},1,1,2 0,2,0,3,1,1`,
  ]),
  named("largest legal id", `+S ${LARGEST_ID} 100x2 | +B ${LARGEST_ID - 1n} 100x1 | -${LARGEST_ID}`, [
    `0,0,1,${LARGEST_ID},100,2 0,1,0,${LARGEST_ID - 1n},100,1 1,1,100,1,${LARGEST_ID},${LARGEST_ID - 1n}`,
    `2,2,1,${LARGEST_ID},100`,
  ]),
  sweepOfLevels(),
];

function named(name: string, messages: string, reports: readonly string[]): NamedCase {
  const lines = reports.flatMap((each) => each.split(" "));
  return { name, messages: messages.split(" | ").map(parseMessage), reports: lines };
}

function parseMessage(text: string): Message {
  const none = { side: 0, isIoc: false, quantity: 0, price: 0 } as const;
  const [first = "", second = "", third = "", fourth] = text.split(" ");
  if (first.startsWith("-")) return { ...none, type: CANCEL, id: BigInt(first.slice(1)) };
  if (first.startsWith("~")) return { ...none, type: MODIFY, id: BigInt(first.slice(1)), ...pricing(second) };
  const side = first === "+S" ? 1 : 0;
  return { type: NEW, side, isIoc: fourth === "ioc", id: BigInt(second), ...pricing(third) };
}

function pricing(text: string): { price: number; quantity: number } {
  const [price, quantity] = text.split("x").map(Number);
  return { price, quantity };
}

/** Ninety orders at one price, every third cancelled, swept by one. */
function deepFifo(): NamedCase {
  const ids = Array.from({ length: DEEP }, (_, index) => index + 1);
  const gone = ids.filter((id) => id % 3 === 0);
  const left = ids.filter((id) => id % 3 !== 0);
  const taker = DEEP + 1;
  const sweepAt = DEEP + gone.length;
  return {
    name: "deep FIFO with scattered cancels",
    messages: [
      ...ids.map((id) => parseMessage(`+S ${id} 100x${id}`)),
      ...gone.map((id) => parseMessage(`-${id}`)),
      parseMessage(`+B ${taker} 100x100000`),
    ],
    reports: [
      ...ids.map((id, index) => `0,${index},1,${id},100,${id}`),
      ...gone.map((id, index) => `2,${DEEP + index},1,${id},100`),
      `0,${sweepAt},0,${taker},100,100000`,
      ...left.map((id) => `1,${sweepAt},100,${id},${id},${taker}`),
    ],
  };
}

/** Levels one by one, which recursion would not survive. */
function sweepOfLevels(): NamedCase {
  const ids = Array.from({ length: LEVELS }, (_, index) => index + 1);
  const taker = LEVELS + 1;
  return {
    name: "a sweep of 5,000 levels",
    messages: [
      ...ids.map((id) => parseMessage(`+S ${id} ${1_000 + id}x1`)),
      parseMessage(`+B ${taker} ${1_000 + LEVELS}x${LEVELS}`),
    ],
    reports: [
      ...ids.map((id, index) => `0,${index},1,${id},${1_000 + id},1`),
      `0,${LEVELS},0,${taker},${1_000 + LEVELS},${LEVELS}`,
      ...ids.map((id) => `1,${LEVELS},${1_000 + id},1,${id},${taker}`),
    ],
  };
}
