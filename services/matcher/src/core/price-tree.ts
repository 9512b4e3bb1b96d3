// Which prices of a side exist, and which is the next one below a price: a tree of 32-bit words over ticks, whose
// nodes lie in one hash table. Any tick up to 2^53 is eleven levels away at most, near prices share their nodes,
// and memory grows with the number of prices, not with their range.
import { assert } from "@bourse/shared/assert.js";

/** 32^11 is above 2^53. */
const DEPTHS = 11;
const NODES_MIN = 64;

/** Open addressing; a node without bits does not exist, so 0 bits are a free cell. */
export interface PriceTree {
  /** Place of the node: its prices divided by 32^depth, times 16, plus the depth. */
  keys: Float64Array;
  bits: Int32Array;
  count: number;
  shift: number;
}

export function createPriceTree(): PriceTree {
  return {
    keys: new Float64Array(NODES_MIN),
    bits: new Int32Array(NODES_MIN),
    count: 0,
    shift: Math.clz32(NODES_MIN) + 1,
  };
}

/** Hash of a safe integer; its upper bits are the good ones. */
export function hashNumber(value: number): number {
  return Math.imul((value | 0) ^ Math.imul((value * 2 ** -32) | 0, 0x85ebca6b), 0x9e3779b1);
}

export function addPrice(tree: PriceTree, ticks: number): void {
  let rest = ticks;
  for (let depth = 1; depth <= DEPTHS; depth += 1) {
    const prefix = Math.floor(rest / 32);
    const bit = 1 << (rest - prefix * 32);
    const key = prefix * 16 + depth;
    const at = cellOf(tree, key);
    if (tree.bits[at] !== 0) {
      tree.bits[at] |= bit;
      return;
    }
    tree.keys[at] = key;
    tree.bits[at] = bit;
    tree.count += 1;
    if (tree.count * 2 > tree.bits.length) grow(tree);
    rest = prefix;
  }
}

/** The price must be there. */
export function removePrice(tree: PriceTree, ticks: number): void {
  let rest = ticks;
  for (let depth = 1; depth <= DEPTHS; depth += 1) {
    const prefix = Math.floor(rest / 32);
    const at = cellOf(tree, prefix * 16 + depth);
    tree.bits[at] &= ~(1 << (rest - prefix * 32));
    if (tree.bits[at] !== 0) return;
    free(tree, at);
    rest = prefix;
  }
}

/** Highest price below `ticks`; there must be one. */
export function priceBelow(tree: PriceTree, ticks: number): number {
  let rest = ticks;
  for (let depth = 1; depth <= DEPTHS; depth += 1) {
    const prefix = Math.floor(rest / 32);
    const lower = tree.bits[cellOf(tree, prefix * 16 + depth)] & ((1 << (rest - prefix * 32)) - 1);
    if (lower !== 0) return highestIn(tree, prefix * 32 + 31 - Math.clz32(lower), depth - 1);
    rest = prefix;
  }
  assert(false, "there is a lower price");
}

/** Highest price whose place at a depth is `place`. */
function highestIn(tree: PriceTree, place: number, depth: number): number {
  let at = place;
  for (let below = depth; below > 0; below -= 1) {
    at = at * 32 + 31 - Math.clz32(tree.bits[cellOf(tree, at * 16 + below)]);
  }
  return at;
}

/** Cell of a node, or the free cell where it would go. */
function cellOf(tree: PriceTree, key: number): number {
  const { keys, bits } = tree;
  const mask = bits.length - 1;
  let at = hashNumber(key) >>> tree.shift;
  while (bits[at] !== 0 && keys[at] !== key) at = (at + 1) & mask;
  return at;
}

function free(tree: PriceTree, cell: number): void {
  const { keys, bits } = tree;
  const mask = bits.length - 1;
  let hole = cell;
  for (let at = (hole + 1) & mask; bits[at] !== 0; at = (at + 1) & mask) {
    const home = hashNumber(keys[at]) >>> tree.shift;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    keys[hole] = keys[at];
    bits[hole] = bits[at];
    hole = at;
  }
  bits[hole] = 0;
  tree.count -= 1;
}

function grow(tree: PriceTree): void {
  const { keys, bits } = tree;
  tree.keys = new Float64Array(keys.length * 2);
  tree.bits = new Int32Array(bits.length * 2);
  tree.shift -= 1;
  for (let at = 0; at < bits.length; at += 1) {
    if (bits[at] === 0) continue;
    const cell = cellOf(tree, keys[at]);
    tree.keys[cell] = keys[at];
    tree.bits[cell] = bits[at];
  }
}
