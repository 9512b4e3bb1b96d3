// The whole exchange on one machine: PostgreSQL and every process, started together, watched, and
// stopped in order. Scripts and tests build on this.
import { mkdir } from "node:fs/promises";

import { freePort, isPortTaken } from "./free-port.js";
import { pathsOf } from "./home.js";
import { lockHome } from "./instance-lock.js";
import { ensureKeys, makeToken, type TokenClaims } from "./keys.js";
import { ManagedProcess } from "./managed-process.js";
import { ensureDatabase, ensureRoles, ensureSchemas } from "./postgres-bootstrap.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";
import { planProcesses, stopOrder } from "./process-plan.js";
import { endLeftovers, type RunningExchange, removeRunning, writeRunning } from "./running.js";
import { defaultSettingsFile, type LocalSettings, type Ports, readSettings } from "./settings.js";
import { StartError } from "./start-error.js";

/** What an exchange is started with. */
export interface MeshOptions {
  /** Folder of all state; made when absent. */
  readonly home: string;
  /** Ports of the settings, or free ones, so that several exchanges run side by side. */
  readonly ports: "default" | "free";
  /** Processes to start; all by default. */
  readonly services?: readonly string[];
  /** Settings over those of the file, for every process: `BOURSE__MATCHER__...`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of one process over all others, by its name: certificates of its own. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  readonly settingsFile?: string;
  /** The port by which one part reaches another's, that port by default: a way in between. "postgres" is a part. */
  readonly reach?: (from: string, to: string, port: number) => number;
  /** Told when a process ends without having been asked, in place of `failed`: whoever starts it again. */
  readonly onEnded?: (name: string, how: string) => void;
  /** Compiled processes, or their sources; by default as this file itself runs. */
  readonly from?: "dist" | "source";
  /** False gives up PostgreSQL's safety against power loss, for throw-away data. */
  readonly isDurable?: boolean;
  /** Gives up the start and stops what runs; after the start it has no effect. */
  readonly signal?: AbortSignal;
  /** Told when a part begins to start and when it is ready. */
  readonly onProgress?: (part: string, readyAfterMs: number | undefined) => void;
}

/** An exchange that is ready. */
export interface Mesh {
  readonly home: string;
  readonly running: RunningExchange;
  /** Milliseconds from start to ready, by part, "postgres" included. */
  readonly readyAfterMs: ReadonlyMap<string, number>;
  /** Settles with what happened when a part ends without having been asked. */
  readonly failed: Promise<StartError>;
  /** Superuser's URL of the exchange's database, for tests that look behind the scenes. */
  readonly postgresUrl: string;
  token(claims: TokenClaims): Promise<string>;
  ports(name: string): Ports;
  pid(name: string): number;
  /** Ends one process or "postgres" with this signal, SIGKILL by default; settles when it is gone. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Starts what was killed, on the same ports; settles when it is ready. */
  restart(name: string): Promise<void>;
  /** Settles when every process, or the named one, is ready. */
  untilReady(name?: string): Promise<void>;
  /** Drains and ends everything, doors first, PostgreSQL last. Safe to call again. */
  stop(): Promise<void>;
}

/**
 * Starts an exchange and returns when every part is ready.
 *
 * Fails with a StartError, and leaves nothing running, when the home is in use, a port is taken, a
 * setting cannot work, or a process ends.
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const settings = readSettings(options.settingsFile ?? defaultSettingsFile, {
    ...process.env,
    ...options.env,
  });
  const lock = await lockHome(options.home);
  const parts = new Parts(options, settings);
  try {
    await parts.start();
  } catch (error) {
    const explained = await parts.explain(error);
    await parts.stop();
    await lock.release();
    throw explained;
  }
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await Promise.all([lock.stopping(), parts.stop()]);
    await lock.release();
  };
  return parts.asMesh(() => (stopping ??= stop()));
}

/** Exit code of a process whose settings cannot work (EX_CONFIG). */
const badSettings = 78;

/** Everything that runs for one exchange. */
class Parts {
  readonly #options: MeshOptions;
  readonly #settings: LocalSettings;
  readonly #processes = new Map<string, ManagedProcess>();
  readonly #readyAfterMs = new Map<string, number>();
  readonly #failed: Promise<StartError>;
  #fail: (error: StartError) => void = () => undefined;
  #ports: ReadonlyMap<string, Ports> = new Map();
  #postgresPassword = "";
  #postgres: PostgresServer | undefined;
  #isPostgresAsked = false;
  #isStopping = false;
  #starting: Promise<void> = Promise.resolve();
  #written: Promise<void> = Promise.resolve();

  constructor(options: MeshOptions, settings: LocalSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** Settles when all is ready. Once stopped or aborted it fails at its next step. */
  start(): Promise<void> {
    const { signal } = this.#options;
    const giveUp = () => void this.stop();
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#starting = this.#start().finally(() => signal?.removeEventListener("abort", giveUp));
    return this.#starting;
  }

  /** The failure of a start in words: that it was asked to stop, or every setting that cannot work. */
  async explain(error: unknown): Promise<unknown> {
    if (this.#options.signal?.aborted === true) return new StartError("stopped while starting");
    const processes = [...this.#processes.values()];
    if (!processes.some(({ exitCode }) => exitCode === badSettings)) return error;
    // The others read the same file: what they think of it is worth a moment.
    await Promise.all(processes.map((child) => child.untilListening(3_000)));
    const wrong = processes.filter(({ exitCode }) => exitCode === badSettings);
    const said = await Promise.all(wrong.map((child) => child.lastLines(50)));
    return new StartError([...new Set(said.flat())].join("\n"), { cause: error });
  }

  async #start(): Promise<void> {
    const { home, onProgress } = this.#options;
    this.#refuseWhenStopping();
    await mkdir(pathsOf(home).logs, { recursive: true, mode: 0o700 });
    await endLeftovers(home, 15_000);
    this.#refuseWhenStopping();
    const { jwksFile, postgresPassword } = await ensureKeys(home);
    this.#postgresPassword = postgresPassword;
    this.#ports = await this.#choosePorts();

    onProgress?.("postgres", undefined);
    const begin = performance.now();
    await this.#startPostgres();
    this.#readyAfterMs.set("postgres", performance.now() - begin);
    onProgress?.("postgres", performance.now() - begin);

    this.#refuseWhenStopping();
    this.#plan(jwksFile);
    await this.#startAll();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const group of stopOrder(this.#settings.shards)) {
      await Promise.all(group.map((name) => this.#processes.get(name)?.stop()));
    }
    // A start that is under way ends at its next step, now that its processes are gone.
    await this.#starting.catch(() => undefined);
    this.#isPostgresAsked = true;
    await this.#postgres?.stop();
    await this.#written;
    await removeRunning(this.#options.home);
  }

  asMesh(stop: () => Promise<void>): Mesh {
    const { home } = this.#options;
    return {
      home,
      running: this.#describe(),
      // In the order of the path, not of who was first.
      readyAfterMs: new Map(
        ["postgres", ...this.#processes.keys()].map((name) => [name, this.#readyAfterMs.get(name) ?? 0]),
      ),
      failed: this.#failed,
      postgresUrl: this.#postgresUrl("bourse"),
      token: (claims) => makeToken(home, claims),
      ports: (name) => this.#ports.get(name) ?? this.#get(name).plan.ports,
      pid: (name) => (name === "postgres" ? this.#postgres?.pid : this.#get(name).identity?.pid) ?? 0,
      kill: (name, signal = "SIGKILL") => this.#kill(name, signal),
      restart: (name) => this.#restart(name),
      untilReady: (name) => this.#untilReady(name),
      stop,
    };
  }

  async #choosePorts(): Promise<ReadonlyMap<string, Ports>> {
    if (this.#options.ports === "free") return freePorts(this.#settings.ports);
    const taken: string[] = [];
    for (const [port, name] of this.#settings.portNames) {
      // PostgreSQL looks after its own port: a server without supervisor on our data is taken over.
      if (name !== "local.postgresPort" && (await isPortTaken(port)))
        taken.push(`port ${port} (${name}) is in use by another program`);
    }
    if (taken.length > 0)
      throw new StartError(
        `${taken.join("\n")}\nstop what uses it, or choose another port in ${this.#settings.file}`,
      );
    return this.#settings.ports;
  }

  async #startPostgres(): Promise<void> {
    const paths = pathsOf(this.#options.home);
    this.#isPostgresAsked = false;
    const server = await startPostgres({
      dataDir: paths.postgres,
      port: this.#ports.get("postgres")?.admin ?? 0,
      logFile: paths.log("postgres"),
      password: this.#postgresPassword,
      isDurable: this.#options.isDurable ?? true,
    });
    this.#postgres = server;
    void server.ended.then((how) => {
      if (this.#postgres === server && !this.#isPostgresAsked)
        this.#fail(new StartError(`postgres ended (${how}); log: ${paths.log("postgres")}`));
    });
    await ensureRoles(server.url("postgres"), this.#postgresPassword);
    await ensureDatabase(server.url("postgres"), "bourse");
    await ensureSchemas(server.url("bourse"));
  }

  #plan(jwksFile: string): void {
    const { home, env = {}, envOf = () => ({}), reach = direct, services } = this.#options;
    const from = this.#options.from ?? (import.meta.url.includes("/dist/") ? "dist" : "source");
    const context = {
      home,
      settings: this.#settings,
      ports: this.#ports,
      from,
      jwksFile,
      env,
      envOf,
      reach,
      postgresUrl: (role: string) => this.#postgresUrl(role),
    };
    for (const plan of planProcesses(context)) {
      if (services !== undefined && !services.includes(plan.name)) continue;
      this.#processes.set(
        plan.name,
        new ManagedProcess(plan, (child, how) => void this.#onUnasked(child, how)),
      );
    }
  }

  async #onUnasked(child: ManagedProcess, how: string): Promise<void> {
    if (this.#isStopping) return;
    if (this.#options.onEnded !== undefined) this.#options.onEnded(child.name, how);
    else this.#fail(new StartError(`${child.name} ended (${how})${await child.lastWords()}`));
  }

  #refuseWhenStopping(): void {
    if (this.#isStopping) throw new StartError("stopped while starting");
  }

  async #startAll(): Promise<void> {
    const begun = new Map<string, Promise<void>>();
    for (const child of this.#processes.values()) {
      const { after = "" } = child.plan;
      begun.set(
        child.name,
        (begun.get(after) ?? Promise.resolve()).then(() => this.#startOne(child)),
      );
    }
    await Promise.all(begun.values());
  }

  async #startOne(child: ManagedProcess): Promise<void> {
    const { onProgress } = this.#options;
    this.#refuseWhenStopping();
    onProgress?.(child.name, undefined);
    child.start();
    await this.#writeRunning();
    const readyAfterMs = await child.untilReady();
    this.#readyAfterMs.set(child.name, readyAfterMs);
    onProgress?.(child.name, readyAfterMs);
  }

  async #untilReady(name: string | undefined): Promise<void> {
    const children = name === undefined ? [...this.#processes.values()] : [this.#get(name)];
    await Promise.all(children.map((child) => child.untilReady()));
  }

  async #kill(name: string, signal: NodeJS.Signals): Promise<void> {
    if (name !== "postgres") return this.#get(name).kill(signal);
    this.#isPostgresAsked = true;
    await this.#postgres?.kill(signal);
  }

  async #restart(name: string): Promise<void> {
    if (name === "postgres") return this.#startPostgres();
    const child = this.#get(name);
    await child.stop();
    child.start();
    await this.#writeRunning();
    await child.untilReady();
  }

  #get(name: string): ManagedProcess {
    const child = this.#processes.get(name);
    if (child === undefined)
      throw new Error(`no process ${name}; there are ${[...this.#processes.keys()].join(", ")}`);
    return child;
  }

  #postgresUrl(role: string): string {
    return this.#postgres?.url("bourse", role) ?? "";
  }

  // One after the other: several processes start at once.
  #writeRunning(): Promise<void> {
    this.#written = this.#written.then(() =>
      this.#isStopping ? undefined : writeRunning(this.#options.home, this.#describe()),
    );
    return this.#written;
  }

  #describe(): RunningExchange {
    const edge = this.#ports.get("order-gateway");
    return {
      grpcAddress: `127.0.0.1:${edge?.grpc}`,
      httpUrl: `http://127.0.0.1:${edge?.http}`,
      auditorUrl: this.#postgresUrl("bourse_auditor"),
      processes: [...this.#processes.values()].map(({ name, identity, plan }) => ({
        name,
        identity,
        ports: plan.ports,
      })),
    };
  }
}

function direct(_from: string, _to: string, port: number): number {
  return port;
}

async function freePorts(configured: ReadonlyMap<string, Ports>): Promise<Map<string, Ports>> {
  const chosen = new Map<string, Ports>();
  for (const [name, ports] of configured) {
    const entries: [string, number][] = [];
    for (const kind of Object.keys(ports)) entries.push([kind, await freePort()]);
    chosen.set(name, { admin: 0, ...Object.fromEntries(entries) });
  }
  return chosen;
}
