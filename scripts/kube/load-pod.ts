// Load from inside the cluster: a pod beside the release, and not a part of it.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { type OrderRecord, parseRecords } from "../load/record.js";
import type { LastWord } from "../load/summary.js";
import type { Cluster } from "./cluster.js";
import { untilTrue } from "./until.js";

const recordsFile = "/records/records.csv";
const drainSecondsMax = 300;

export interface LoadPodOptions {
  readonly name: string;
  readonly image: string;
  /** Of the release: its edge and its secret are used. */
  readonly fullname: string;
  /** Arguments of the load program. */
  readonly args: readonly string[];
}

/** A pod that places orders until it is stopped; another container of it keeps the records readable. */
export class LoadPod {
  readonly #cluster: Cluster;
  readonly #options: LoadPodOptions;
  /** How much the pod's clock is ahead of ours, in milliseconds. */
  #aheadMs = 0;

  constructor(cluster: Cluster, options: LoadPodOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Starts it and waits until orders are acknowledged. */
  async start(): Promise<void> {
    const { name } = this.#options;
    await this.remove();
    await this.#cluster.apply(this.#manifest());
    await this.#cluster.kubectl(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s"], {
      timeoutMs: 70_000,
    });
    this.#aheadMs = await this.#measureClock();
    await untilTrue(async () => (await this.records()).length > 0, {
      seconds: 60,
      everyMs: 500,
      orElse: async () => `no order was acknowledged within 60 s:\n${await this.log()}`,
    });
  }

  /** Everything that has its final word so far, in the time of this machine. */
  async records(): Promise<OrderRecord[]> {
    const script = `process.stdout.write(require("fs").readFileSync("${recordsFile}"))`;
    const text = await this.#node("records", script).catch(() => "");
    return parseRecords(text).map((record) => ({
      ...record,
      startMs: record.startMs - this.#aheadMs,
      sentMs: record.sentMs - this.#aheadMs,
      endMs: record.endMs - this.#aheadMs,
    }));
  }

  /** Asks it to stop and waits until it has compared everything; its last word. */
  async stop(): Promise<LastWord> {
    await this.#node("load", 'process.kill(1, "SIGTERM")');
    return this.untilEnded(drainSecondsMax);
  }

  /** Waits until it has ended by itself. */
  async untilEnded(timeoutSeconds: number): Promise<LastWord> {
    const path = `{.status.containerStatuses[?(@.name=="load")].state.terminated.exitCode}`;
    const exit = ["get", "pod", this.#options.name, "-o", `jsonpath=${path}`];
    await untilTrue(async () => (await this.#cluster.kubectl(exit)) !== "", {
      seconds: timeoutSeconds,
      everyMs: 500,
      orElse: async () => `the load did not end:\n${await this.log()}`,
    });
    const log = await this.log();
    const last = log.split("\n").findLast((line) => line.startsWith("{"));
    if (last === undefined) throw new Error(`the load ended without a summary:\n${log}`);
    return JSON.parse(last) as LastWord;
  }

  log(): Promise<string> {
    return this.#cluster.kubectl(["logs", this.#options.name, "-c", "load", "--tail=30"]).catch(() => "");
  }

  async remove(): Promise<void> {
    const args = ["delete", "pod", this.#options.name, "--ignore-not-found", "--grace-period=1"];
    await this.#cluster.kubectl(args, { timeoutMs: 90_000 });
  }

  async #measureClock(): Promise<number> {
    const beforeMs = systemClock.wallMs();
    const there = Number(await this.#node("records", "process.stdout.write(String(Date.now()))"));
    const tookMs = systemClock.wallMs() - beforeMs;
    const aheadMs = there - beforeMs - tookMs / 2;
    // Below what the call itself took it says nothing.
    return Math.abs(aheadMs) < tookMs ? 0 : aheadMs;
  }

  #node(container: string, script: string): Promise<string> {
    const args = ["exec", this.#options.name, "-c", container, "--", "node", "-e", script];
    return this.#cluster.kubectl(args, { timeoutMs: 120_000 });
  }

  #manifest(): object {
    const { args, fullname, image, name } = this.#options;
    const fromSecret = (key: string) => ({ secretKeyRef: { name: `${fullname}-load`, key } });
    const address = `dns:///${fullname}-order-gateway-headless.${this.#cluster.namespace}.svc.cluster.local:50051`;
    const common = {
      image,
      imagePullPolicy: "IfNotPresent",
      securityContext: restrictedContainer,
      volumeMounts: [{ name: "records", mountPath: "/records" }],
    };
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { "app.kubernetes.io/name": name } },
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 1,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: restrictedPod,
        containers: [
          {
            ...common,
            name: "load",
            args: ["load", ...args, "--records", recordsFile],
            env: [
              { name: "BOURSE_ADDRESS", value: address },
              { name: "OPERATOR_TOKEN", valueFrom: fromSecret("operator-token") },
              { name: "LOAD_TOKENS", valueFrom: fromSecret("tokens") },
            ],
            resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "1Gi" } },
          },
          {
            ...common,
            name: "records",
            // Nothing but a file system to read from, also after the load has ended.
            command: ["node", "-e", "setInterval(() => {}, 1e6)"],
            resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "256Mi" } },
          },
        ],
        volumes: [{ name: "records", emptyDir: {} }],
      },
    };
  }
}

/** Security settings that restricted namespaces ask for. */
export const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: 1_000,
  runAsGroup: 1_000,
  fsGroup: 1_000,
  seccompProfile: { type: "RuntimeDefault" },
};
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};
