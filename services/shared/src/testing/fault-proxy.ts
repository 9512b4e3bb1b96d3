// A way between two processes that breaks when a test says so: a TCP proxy that cuts, delays, swallows, or
// strikes in the moment of PostgreSQL's COMMIT.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** How a way behaves from now on. */
export type WayState =
  | { readonly type: "open" }
  /** Every chunk, in both directions, arrives so much later; order is kept. */
  | { readonly type: "delayed"; readonly ms: number }
  /** Half-open: connections stand, and what is sent towards `swallows` vanishes. New ones are as silent. */
  | { readonly type: "silent"; readonly swallows: "both" | "requests" | "answers" }
  /** Connections are refused. */
  | { readonly type: "closed" }
  /** Cuts so many connections at their COMMIT: before it arrives, or after it but before its answer. */
  | { readonly type: "commit"; readonly cut: "before" | "after"; readonly times: number };

/** A proxy in front of one process, for one other. */
export interface FaultProxy {
  /** Where to connect. */
  readonly port: number;
  /** Times that a COMMIT was cut. */
  readonly commitsCut: number;
  /** Bytes that vanished in a silent way. */
  readonly swallowed: number;
  /** Where connections lead from now on. */
  lead(port: number): void;
  /** Changes the way. A connection that lost bytes ends as soon as the way is no longer silent. */
  set(state: WayState): void;
  /** Ends every connection now; new ones follow the state. */
  cut(): void;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const OPEN: WayState = { type: "open" };

/** Opens a proxy on a free port. It leads nowhere, and refuses, until it is told where. */
export async function openFaultProxy(): Promise<FaultProxy> {
  const proxy = new TcpProxy();
  await proxy.listen();
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly #server = createServer({ pauseOnConnect: false }, (client) => this.#accept(client));
  readonly #connections = new Set<Connection>();
  #target = 0;
  #state: WayState = OPEN;
  #commitsLeft = 0;
  commitsCut = 0;
  swallowed = 0;

  async listen(): Promise<void> {
    this.#server.listen(0, HOST);
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  lead(port: number): void {
    this.#target = port;
  }

  set(state: WayState): void {
    this.#state = state;
    this.#commitsLeft = state.type === "commit" ? state.times : 0;
    if (state.type === "closed") this.cut();
    if (state.type === "silent") return;
    // TCP cannot go on behind lost bytes.
    for (const connection of this.#connections) if (connection.hasLost) connection.destroy();
  }

  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    if (this.#state.type === "closed" || this.#target === 0) {
      client.on("error", ignore);
      return void client.destroy();
    }
    const connection = new Connection(client, connect(this.#target, HOST), {
      onEnd: () => this.#connections.delete(connection),
      onRequest: (data) => this.#onRequest(connection, data),
      onSwallowed: (data) => {
        this.swallowed += data.length;
      },
      delayMs: () => (this.#state.type === "delayed" ? this.#state.ms : 0),
      swallows: (what) => this.#state.type === "silent" && ["both", what].includes(this.#state.swallows),
    });
    this.#connections.add(connection);
  }

  /** False when the connection was cut before the data. */
  #onRequest(connection: Connection, data: Buffer): boolean {
    if (this.#state.type !== "commit" || this.#commitsLeft === 0 || !data.includes("COMMIT")) return true;
    this.#commitsLeft -= 1;
    this.commitsCut += 1;
    if (this.#state.cut === "after") {
      connection.cutAtAnswer();
      return true;
    }
    connection.destroy();
    return false;
  }
}

interface Way {
  readonly onEnd: () => void;
  readonly onRequest: (data: Buffer) => boolean;
  readonly onSwallowed: (data: Buffer) => void;
  readonly delayMs: () => number;
  readonly swallows: (what: "requests" | "answers") => boolean;
}

/** A client's connection and the one that was made for it. */
class Connection {
  hasLost = false;
  #isCutAtAnswer = false;
  readonly #client: Socket;
  readonly #upstream: Socket;

  constructor(client: Socket, upstream: Socket, way: Way) {
    this.#client = client;
    this.#upstream = upstream;
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", ignore);
      socket.on("close", () => {
        this.destroy();
        way.onEnd();
      });
    }
    const requests = new Lane(client, upstream, way.delayMs);
    const answers = new Lane(upstream, client, way.delayMs);
    const lose = (data: Buffer) => {
      this.hasLost = true;
      way.onSwallowed(data);
    };
    client.on("data", (data) => {
      if (!way.onRequest(data)) return;
      if (way.swallows("requests")) lose(data);
      else requests.send(data);
    });
    upstream.on("data", (data) => {
      // The answer means that the server has done it; the client never sees it.
      if (this.#isCutAtAnswer) this.destroy();
      else if (way.swallows("answers")) lose(data);
      else answers.send(data);
    });
    client.on("end", () => requests.end());
    upstream.on("end", () => answers.end());
  }

  cutAtAnswer(): void {
    this.#isCutAtAnswer = true;
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }
}

/** One direction of a connection: chunks leave in the order in which they came, however long each waits. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #waiting: (Buffer | "end")[] = [];

  constructor(from: Socket, to: Socket, delayMs: () => number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
  }

  send(data: Buffer): void {
    this.#later(data);
  }

  end(): void {
    this.#later("end");
  }

  #later(what: Buffer | "end"): void {
    const ms = this.#delayMs();
    if (ms === 0 && this.#waiting.length === 0) return this.#leave(what);
    this.#waiting.push(what);
    setTimeout(() => this.#next(), ms);
  }

  /** One timer for each chunk: whichever runs, the oldest leaves, so that none overtakes. */
  #next(): void {
    const what = this.#waiting.shift();
    if (what !== undefined) this.#leave(what);
  }

  #leave(what: Buffer | "end"): void {
    if (this.#to.destroyed) return;
    if (what === "end") return void this.#to.end();
    if (this.#to.write(what)) return;
    this.#from.pause();
    this.#to.once("drain", () => this.#from.resume());
  }
}

function ignore(): void {}
