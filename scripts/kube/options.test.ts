import { expect, test } from "vitest";
import { testOptions, usage } from "./options.js";
import { phaseNames } from "./phase-names.js";

test("a kubeconfig is all that is needed", () => {
  expect(testOptions(["cluster.conf"])).toEqual({
    kubeconfig: "cluster.conf",
    tag: "test",
    skipImages: false,
    valuesFile: undefined,
    only: undefined,
    keep: false,
    namespace: "bourse-test",
    rate: 200,
    jsonFile: undefined,
  });
});

test("phases are named, and listed with what they do", () => {
  expect(testOptions(["c", "--only", "rollout,shard"])).toMatchObject({ only: ["rollout", "shard"] });
  const listed = testOptions(["--list"]) as string;
  for (const name of phaseNames) expect(listed).toMatch(new RegExp(`^${name} +\\w`, "m"));
  expect(testOptions(["--help"])).toBe(usage);
});

test.each<[readonly string[], RegExp]>([
  [[], /one kubeconfig is needed/],
  [["a", "b"], /one kubeconfig is needed/],
  [["a", "--only", "lunch"], /there is no phase lunch; there are: install, rollout/],
  [["a", "--rate", "0.5"], /--rate: 0.5 is no whole number/],
])("%j is refused in words", (args, message) => {
  expect(() => testOptions(args)).toThrow(message);
});
