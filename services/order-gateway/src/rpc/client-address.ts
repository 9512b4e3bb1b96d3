import { BlockList, isIP } from "node:net";
import type { Call } from "@bourse/shared/rpc/call.js";

/**
 * Address of who calls: the peer, or behind trusted proxies the last address of X-Forwarded-For that
 * is not a trusted proxy itself. What an untrusted peer claims is not believed.
 */
export function clientAddress(trustedProxies: readonly string[]): (call: Call) => string {
  const trusted = new BlockList();
  for (const proxy of trustedProxies) addTo(trusted, proxy);
  const isTrusted = (address: string) => {
    const version = isIP(address);
    return version !== 0 && trusted.check(address, version === 6 ? "ipv6" : "ipv4");
  };
  return (call) => {
    let address = plain(call.peer);
    const hops = (call.header("x-forwarded-for") ?? "").split(",").map((hop) => plain(hop.trim()));
    while (isTrusted(address)) {
      const hop = hops.pop();
      if (hop === undefined || isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  };
}

function addTo(list: BlockList, proxy: string): void {
  const [address = "", bits] = proxy.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

/** IPv4 addresses that arrive on an IPv6 socket, and brackets, in plain form. */
function plain(address: string): string {
  return address.replace(/^\[(.*)\]$/, "$1").replace(/^::ffff:/i, "");
}
