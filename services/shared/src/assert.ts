/** Says that our own code is wrong. Nobody catches it to go on: the process stops and recovers from its log. */
export class AssertionFailed extends Error {
  override name = "AssertionFailed";
}

/** States what must be true of our own code, never of input. One fact per assertion. */
export function assert(condition: unknown, fact: string): asserts condition {
  if (!condition) throw new AssertionFailed(`assertion failed: ${fact}`);
}

/** Marks a place that a complete switch never reaches. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`assertion failed: unexpected value ${JSON.stringify(value)}`);
}
