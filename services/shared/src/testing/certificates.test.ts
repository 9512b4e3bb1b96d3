import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type PeerCertificate, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";

import { type Authority, createAuthority, type KeyPairPem, openAuthority } from "./certificates.js";
import { manualClock } from "./clock.js";

test("a certificate carries the identity, the names and both usages", async () => {
  const authority = await createAuthority();
  const { certPem } = await authority.issue({
    identity: "wallet",
    dnsNames: ["bourse-wallet", "*.bourse-wallet.prod.svc"],
    ipAddresses: ["127.0.0.1", "::1"],
  });
  const leaf = new X509Certificate(certPem);
  expect(leaf.subjectAltName?.split(", ")).toEqual([
    "URI:spiffe://bourse/wallet",
    "DNS:bourse-wallet",
    "DNS:*.bourse-wallet.prod.svc",
    "IP Address:127.0.0.1",
    "IP Address:0:0:0:0:0:0:0:1",
  ]);
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkHost("pod-0.bourse-wallet.prod.svc")).toBeDefined();
  expect(leaf.checkHost("bourse-matcher")).toBeUndefined();
});

test("an authority signs what it issues, and is an authority itself", async () => {
  const authority = await createAuthority({ trustDomain: "exchange.example" });
  const root = new X509Certificate(authority.caPem);
  const { certPem } = await authority.issue({ identity: "settler", dnsNames: [] });
  const leaf = new X509Certificate(certPem);
  expect(root.ca).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.subjectAltName).toBe("URI:spiffe://exchange.example/settler");
  expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
});

test("life is counted from the clock, a minute before now", async () => {
  const clock = manualClock(Date.UTC(2030, 0, 1));
  const authority = await createAuthority({ clock });
  const { certPem } = await authority.issue({ identity: "wallet", dnsNames: [], validForMs: 3_600_000 });
  const leaf = new X509Certificate(certPem);
  expect(new Date(leaf.validFrom).toISOString()).toBe("2029-12-31T23:59:00.000Z");
  expect(new Date(leaf.validTo).toISOString()).toBe("2030-01-01T01:00:00.000Z");
});

test("two services believe each other when one authority signed both", async () => {
  const authority = await createAuthority();
  const peer = await handshake({ authority, client: await leafOf(authority, "settler") });
  expect(peer).toEqual({
    server: "URI:spiffe://bourse/wallet, DNS:localhost",
    client: "URI:spiffe://bourse/settler",
  });
});

test("an authority that was opened again signs for the same trust", async () => {
  const authority = await createAuthority();
  const again = await openAuthority(authority);
  const peer = await handshake({ authority, client: await leafOf(again, "settler") });
  expect(peer.client).toBe("URI:spiffe://bourse/settler");
});

test("a certificate of another authority is refused", async () => {
  const authority = await createAuthority();
  const stranger = await leafOf(await createAuthority(), "settler");
  await expect(handshake({ authority, client: stranger })).rejects.toThrow();
});

test("a certificate that has ended is refused", async () => {
  const authority = await createAuthority();
  const ended = await authority.issue({ identity: "settler", dnsNames: [], validForMs: -1_000 });
  await expect(handshake({ authority, client: ended })).rejects.toThrow();
});

async function leafOf(authority: Authority, identity: string): Promise<KeyPairPem> {
  return authority.issue({ identity, dnsNames: [] });
}

/** Names that each side sees of the other, after mutual TLS on a port of this machine. */
async function handshake({ authority, client }: { authority: Authority; client: KeyPairPem }) {
  const own = await authority.issue({ identity: "wallet", dnsNames: ["localhost"] });
  const { promise, resolve, reject } = deferred<string>();
  const server = createServer(
    { key: own.keyPem, cert: own.certPem, ca: authority.caPem, requestCert: true },
    (socket: TLSSocket) => {
      socket.on("error", reject);
      resolve(namesOf(socket.getPeerCertificate()));
      socket.end();
    },
  );
  server.on("tlsClientError", reject);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = { key: client.keyPem, cert: client.certPem, ca: authority.caPem, servername: "localhost" };
  const socket = connect({ host: "127.0.0.1", port, ...options });
  socket.on("error", reject);
  socket.resume();
  try {
    return { client: await promise, server: namesOf(socket.getPeerCertificate()) };
  } finally {
    socket.destroy();
    server.close();
  }
}

function namesOf(certificate: PeerCertificate): string {
  return certificate.subjectaltname ?? "";
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
