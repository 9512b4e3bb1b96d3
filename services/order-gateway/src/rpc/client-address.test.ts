import type { Call } from "@bourse/shared/rpc/call.js";
import { describe, expect, test } from "vitest";
import { clientAddress } from "./client-address.js";

function call(peer: string, forwardedFor?: string): Call {
  return { peer, header: (name: string) => (name === "x-forwarded-for" ? forwardedFor : undefined) } as Call;
}

describe("the address that limits count", () => {
  const addressOf = clientAddress(["10.0.0.0/8", "192.168.1.7", "fd00::/8"]);

  test.each<[string, string, string | undefined, string]>([
    ["the peer, without proxies", "203.0.113.5", undefined, "203.0.113.5"],
    ["the peer, whatever it claims", "203.0.113.5", "1.2.3.4", "203.0.113.5"],
    ["behind a trusted proxy who it saw", "10.1.2.3", "203.0.113.5", "203.0.113.5"],
    [
      "behind two of them the first that is not trusted",
      "10.1.2.3",
      "203.0.113.5, 192.168.1.7",
      "203.0.113.5",
    ],
    ["never what stands before an untrusted hop", "10.1.2.3", "1.2.3.4, 203.0.113.5", "203.0.113.5"],
    ["the proxy, when it names nobody", "10.1.2.3", undefined, "10.1.2.3"],
    ["the proxy, when it names noise", "10.1.2.3", "unknown", "10.1.2.3"],
    ["IPv4 that came in on IPv6", "::ffff:203.0.113.5", undefined, "203.0.113.5"],
    ["an IPv6 proxy's client", "fd00::1", "[2001:db8::1]", "2001:db8::1"],
  ])("is %s", (_, peer, forwardedFor, address) => {
    expect(addressOf(call(peer, forwardedFor))).toBe(address);
  });
});
