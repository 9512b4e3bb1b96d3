import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { followEvents, historyFigures } from "./history.js";
import { scaleBook, scaleCommands, scaleEvents, scaleOf, scaleResting } from "./scale.js";
import { loadSet } from "./set.js";
import { makeSet, recipes } from "./sets-of-ours.js";
import { applyCommand, depthOf, emptyBook, restingOf } from "./slow-book.js";
import { compareBook, compareEvents, compareResting, isPassed } from "./verdict.js";

const sets = join(dirname(fileURLToPath(import.meta.url)), "sets");

test.each(recipes)("the committed set $name is what its recipe makes", (recipe) => {
  for (const [name, text] of makeSet(recipe)) {
    if (name.endsWith(".json")) {
      const committed = readFileSync(join(sets, recipe.name, name), "utf8");
      expect(JSON.parse(committed), name).toEqual(JSON.parse(text));
      continue;
    }
    // Compressed bytes depend on the zlib of the machine; what they hold does not.
    const bytes = readFileSync(join(sets, recipe.name, `${name}.gz`));
    expect(gunzipSync(bytes).toString("utf8") === text, name).toBe(true);
  }
});

test.each(recipes)("the set $name read back from its files gives its own verdict", ({ name }) => {
  const set = loadSet(join(sets, name));
  const scale = scaleOf(set.commands);
  const commands = scaleCommands(set.commands, scale);
  const reference = scaleEvents(set.events, scale);
  const book = emptyBook();
  const events = commands.flatMap((command) => applyCommand(book, command));
  expect(isPassed(compareEvents(reference, events, scale))).toBe(true);
  expect(isPassed(compareResting(scaleResting(set.resting, scale), restingOf(book), scale))).toBe(true);
});

test.each(recipes)("following the events of $name without matching leads to the same books", ({ name }) => {
  const set = loadSet(join(sets, name));
  const scale = scaleOf(set.commands);
  const commands = scaleCommands(set.commands, scale);
  const checkpoints = new Map(set.depth.map((row) => [row.afterN, scaleBook(row, scale)]));
  let seen = 0;
  followEvents(commands, scaleEvents(set.events, scale), (n, book) => {
    const expected = checkpoints.get(n);
    if (expected === undefined) return;
    seen += 1;
    expect(compareBook(n, expected, depthOf(book, 20), scale)).toEqual([]);
  });
  expect(seen).toBe(set.depth.length);
});

test("history figures count each recorded trade once and only where the numbers are equal", () => {
  const set = loadSet(join(sets, "thin-takers"));
  const scale = scaleOf(set.commands);
  const commands = scaleCommands(set.commands, scale);
  const events = scaleEvents(set.events, scale);
  const sideOf = new Map(set.commands.flatMap((row) => ("side" in row ? [[row.id, row.side]] : [])));
  const recordedTrades = set.events
    .filter(({ event }) => event === "TRADE")
    .map(({ price, quantity, makerId, takerId }) => {
      const isBuy = sideOf.get(takerId) === "B";
      return { price, quantity, buyId: isBuy ? takerId : makerId, sellId: isBuy ? makerId : takerId };
    });
  const total = recordedTrades.length;
  const [first, second, ...rest] = recordedTrades as [(typeof recordedTrades)[0], (typeof recordedTrades)[0]];
  const altered = [{ ...first, quantity: "99999" }, { ...second, sellId: "0" }, ...rest];
  const figures = historyFigures(
    { ...set, recordedTrades: altered, recordedBooks: set.depth },
    scale,
    commands,
    events,
  );
  expect(figures.slice(0, 2)).toMatchObject([
    { met: total - 1, of: total },
    { met: total - 2, of: total },
  ]);
  expect(figures.find(({ name }) => name.includes("best level"))).toMatchObject({ met: 2, of: 2 });
});
