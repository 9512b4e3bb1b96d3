// Gives up connections that nobody answers. A pod that is gone leaves its address in caches of names for some
// seconds; packets to it are dropped, not refused, and the kernel repeats them for two minutes. grpc-js has no
// limit of its own for a connection and does not look up the name meanwhile, so a follower missed its restarted
// shard, and the shard its follower, for those two minutes.
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** The kernel of the peer answers, however busy its process is: inside a mesh within milliseconds. */
const CONNECT_MS_MAX = 300;

let isLimited = false;

/** Limits every connection that this process opens by net.connect, as grpc-js does. PostgreSQL's client does not. */
export function limitConnects(connectMsMax = CONNECT_MS_MAX): void {
  if (isLimited) return;
  isLimited = true;
  subscribe("net.client.socket", (message) =>
    limitConnect((message as { socket: Socket }).socket, connectMsMax),
  );
}

function limitConnect(socket: Socket, connectMsMax: number): void {
  const giveUp = () => {
    if (socket.pending) socket.destroy(new Error(`no connection after ${connectMsMax} ms`));
  };
  // After a pause of this process its timers run before it learns of connections that were made meanwhile;
  // what is set immediate runs after.
  const timer = setTimeout(() => setImmediate(giveUp), connectMsMax).unref();
  socket.once("connect", () => clearTimeout(timer));
  socket.once("close", () => clearTimeout(timer));
}
