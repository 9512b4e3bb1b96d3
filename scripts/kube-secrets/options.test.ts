import { expect, test } from "vitest";

import { parseOptions } from "./options.js";

test("a namespace alone means the release bourse and the current context", () => {
  expect(parseOptions(["--namespace", "prod"])).toEqual({
    place: { namespace: "prod", fullname: "bourse" },
    trustDomain: "bourse",
    rotateCertificates: false,
    dryRun: false,
    kubectlArgs: ["--namespace", "prod"],
    token: undefined,
  });
});

test("the cluster is chosen as for kubectl", () => {
  const { kubectlArgs } = parseOptions(["--namespace", "n", "--kubeconfig", "/f", "--context", "c"]);
  expect(kubectlArgs).toEqual(["--kubeconfig", "/f", "--context", "c", "--namespace", "n"]);
});

test("a token is asked for as npm run token does", () => {
  const { token } = parseOptions(["--namespace", "n", "--token", "alice", "--tier", "basic", "--ttl", "60"]);
  expect(token).toMatchObject({ roles: ["trader"], tier: "basic", ttlSeconds: 60 });
});

test.each([
  [[], "--namespace is missing"],
  [["--namespace", "n", "--tier", "basic"], "belong to --token"],
  [["--namespace", "n", "--token", "zoe"], "zoe is neither a UUID nor one of"],
  [["--namespace", "n", "--rotate"], "Unknown option '--rotate'"],
])("%j is refused", (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
