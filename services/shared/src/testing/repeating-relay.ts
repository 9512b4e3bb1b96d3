// A gRPC relay that says things twice: it passes every call on unchanged, and on demand sends request messages
// that went by once more, as a call of its own, at once or long after. What the receiver answers to the repeat
// nobody hears. On the wire it knows HTTP/2 and the five bytes before a gRPC message, no contract.
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A relay in front of one process, for one other. */
export interface RepeatingRelay {
  /** Where to connect. */
  readonly port: number;
  /** Repeats that were sent. */
  readonly repeats: number;
  /** Messages that were held back. */
  readonly held: number;
  /** Repeats that wait or have no answer yet, and messages that are held back. */
  readonly pending: number;
  /** Where calls lead from now on. */
  lead(port: number): void;
  /** The next `count` messages are also sent a second time, `afterMs` later. */
  repeatNext(count: number, afterMs: number): void;
  /** The next `count` messages are passed on so much later, and with them what follows on their stream. */
  holdNext(count: number, ms: number): void;
  /** Sends `count` messages of the past once more, chosen by `random`, uniform in [0, 1). */
  repeatPast(count: number, random: () => number): void;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** Messages of the past that are kept for `repeatPast`. */
const PAST_MAX = 500;
const REPEAT_MS_MAX = 10_000;

interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly frame: Buffer;
}

/** Opens a relay on a free port; `paths` says which methods are repeated, all others only pass. */
export async function openRepeatingRelay(paths: readonly string[]): Promise<RepeatingRelay> {
  const relay = new Relay(new Set(paths));
  await relay.listen();
  return relay;
}

class Relay implements RepeatingRelay {
  readonly #paths: ReadonlySet<string>;
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session | ClientHttp2Session>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #past: Message[] = [];
  #calls = 0;
  #target = 0;
  #seen = 0;
  #repeating = { left: 0, afterMs: 0 };
  #holding = { left: 0, ms: 0 };
  repeats = 0;
  held = 0;

  constructor(paths: ReadonlySet<string>) {
    this.#paths = paths;
  }

  async listen(): Promise<void> {
    this.#server.on("session", (session) => this.#accept(session));
    this.#server.listen(0, HOST);
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get pending(): number {
    return this.#timers.size + this.#calls;
  }

  lead(port: number): void {
    this.#target = port;
  }

  repeatNext(count: number, afterMs: number): void {
    this.#repeating = { left: count, afterMs };
  }

  holdNext(count: number, ms: number): void {
    this.#holding = { left: count, ms };
  }

  repeatPast(count: number, random: () => number): void {
    for (let n = 0; n < count; n += 1) {
      const message = this.#past[Math.floor(random() * this.#past.length)];
      if (message !== undefined) this.#repeat(message);
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Each client's connection gets one of its own: when either ends, so does the other. */
  #accept(session: ServerHttp2Session): void {
    const upstream = this.#connect();
    this.#sessions.add(session);
    session.on("error", ignore);
    session.on("close", () => {
      this.#sessions.delete(session);
      upstream.destroy();
    });
    upstream.on("close", () => session.destroy());
    session.on("stream", (stream, headers) => this.#pass(stream, headers, upstream));
  }

  #connect(): ClientHttp2Session {
    const upstream = connect(`http://${HOST}:${this.#target}`);
    this.#sessions.add(upstream);
    upstream.on("error", ignore);
    upstream.on("close", () => this.#sessions.delete(upstream));
    return upstream;
  }

  #pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, upstream: ClientHttp2Session): void {
    stream.on("error", ignore);
    if (upstream.destroyed || upstream.closed) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const call = upstream.request(headers, { waitForTrailers: false });
    call.on("error", ignore);
    this.#passRequest(stream, call, headers);
    passAnswer(call, stream);
    stream.on("close", () => call.close(stream.rstCode || constants.NGHTTP2_CANCEL));
  }

  #passRequest(stream: ServerHttp2Stream, call: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
    const isWatched = this.#paths.has(headers[":path"] ?? "");
    const frames = new Frames();
    let gate = Promise.resolve();
    let isHeld = false;
    const write = (data: Buffer) => {
      if (call.destroyed || call.writableEnded || call.write(data)) return;
      stream.pause();
      call.once("drain", () => stream.resume());
    };
    stream.on("data", (data: Buffer) => {
      const holdMs = isWatched ? this.#notice(frames.add(data), headers) : 0;
      if (holdMs > 0) {
        isHeld = true;
        gate = gate.then(() => this.#sleep(holdMs));
      }
      // A promise for each chunk of every call would cost more than the rest of the relay.
      if (isHeld) gate = gate.then(() => write(data));
      else write(data);
    });
    stream.on("end", () => {
      if (isHeld) void gate.then(() => call.end());
      else call.end();
    });
  }

  /** Remembers and repeats what goes by; returns how long to hold it back. */
  #notice(frames: readonly Buffer[], headers: IncomingHttpHeaders): number {
    let holdMs = 0;
    for (const frame of frames) {
      const message = { headers, frame };
      this.#past[this.#seen % PAST_MAX] = message;
      this.#seen += 1;
      if (this.#repeating.left > 0) {
        this.#repeating.left -= 1;
        this.#later(this.#repeating.afterMs, () => this.#repeat(message));
      }
      if (this.#holding.left > 0) {
        this.#holding.left -= 1;
        this.held += 1;
        holdMs = this.#holding.ms;
      }
    }
    return holdMs;
  }

  /** The message as a call of its own, on a connection of its own. */
  #repeat({ headers, frame }: Message): void {
    this.repeats += 1;
    const upstream = this.#connect();
    // Its caller's deadline is long over.
    const { "grpc-timeout": _over, ...rest } = headers;
    const call = upstream.request(rest);
    const giveUp = setTimeout(() => upstream.destroy(), REPEAT_MS_MAX);
    this.#calls += 1;
    call.on("error", ignore);
    call.on("close", () => {
      this.#calls -= 1;
      clearTimeout(giveUp);
      upstream.destroy();
    });
    call.resume();
    call.end(frame);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, resolve));
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

function passAnswer(call: ClientHttp2Stream, stream: ServerHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  call.on("response", (headers, flags) => {
    if (stream.destroyed) return;
    // An answer of headers alone: an error without a message.
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)
      return stream.respond(headers, { endStream: true });
    stream.respond(headers, { waitForTrailers: true });
  });
  call.on("trailers", (headers) => {
    trailers = headers;
  });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  call.on("data", (data: Buffer) => {
    if (stream.destroyed || stream.write(data)) return;
    call.pause();
    stream.once("drain", () => call.resume());
  });
  call.on("end", () => stream.end());
  call.on("close", () => {
    if (!stream.writableEnded) stream.close(call.rstCode || constants.NGHTTP2_INTERNAL_ERROR);
  });
}

/** Cuts a request's bytes into gRPC messages: a flag, four bytes of length, and so many bytes. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** Whole messages that end in this chunk, each with its five bytes. */
  add(data: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const whole: Buffer[] = [];
    while (this.#rest.length >= 5) {
      const end = 5 + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) break;
      whole.push(Buffer.from(this.#rest.subarray(0, end)));
      this.#rest = this.#rest.subarray(end);
    }
    return whole;
  }
}

function ignore(): void {}
