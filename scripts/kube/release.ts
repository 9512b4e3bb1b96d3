// The Helm release under test: its values as they change, its pods as they are.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../audit/repo-root.js";
import type { Cluster } from "./cluster.js";
import { untilTrue } from "./until.js";
import { mergeValues, type Values } from "./values.js";

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly component: string;
  readonly nodeName: string;
  readonly isReady: boolean;
  readonly isEnding: boolean;
  readonly restarts: number;
}

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly uid: string;
      readonly deletionTimestamp?: string;
      readonly labels?: Record<string, string>;
    };
    readonly spec: { readonly nodeName?: string };
    readonly status: {
      readonly phase: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      readonly containerStatuses?: readonly { readonly restartCount: number }[];
    };
  }[];
}

/** Pods that come and go beside the processes. */
const visitors = new Set(["preflight", "smoke"]);
const component = "app.kubernetes.io/component";

export interface UpgradeOptions {
  readonly timeoutSeconds?: number;
  /** Goes back by itself when it fails. */
  readonly isAtomic?: boolean;
}

/** The release. Values that an upgrade brought stay for the next one; those of one that failed do not. */
export class Release {
  readonly name = "bourse";
  readonly fullname = "bourse";
  readonly #cluster: Cluster;
  #values: Values;

  constructor(cluster: Cluster, values: Values) {
    this.#cluster = cluster;
    this.#values = values;
  }

  get values(): Values {
    return this.#values;
  }

  /** helm upgrade --install and wait; returns what helm said. */
  async upgrade(
    change: Values = {},
    { isAtomic = false, timeoutSeconds = 180 }: UpgradeOptions = {},
  ): Promise<string> {
    const values = mergeValues(this.#values, change);
    const chart = join(repoRoot(), "charts", "bourse");
    const wait = ["--wait", "--timeout", `${timeoutSeconds}s`, ...(isAtomic ? ["--atomic"] : [])];
    const said = await withFile(JSON.stringify(values, null, 2), (file) =>
      this.#cluster.helm(["upgrade", "--install", this.name, chart, "--values", file, ...wait], {
        // Atomic rolls back within another such time.
        timeoutMs: (timeoutSeconds * (isAtomic ? 2 : 1) + 60) * 1_000,
      }),
    );
    this.#values = values;
    return said;
  }

  /** helm rollback to the revision before, and wait; the values are then those. */
  async rollback(valuesThen: Values, timeoutSeconds = 180): Promise<void> {
    await this.#cluster.helm(["rollback", this.name, "--wait", "--timeout", `${timeoutSeconds}s`], {
      timeoutMs: (timeoutSeconds + 60) * 1_000,
    });
    this.#values = valuesThen;
  }

  /** helm test; returns what it printed, the pod's log included. */
  test(timeoutSeconds: number): Promise<string> {
    return this.#cluster.helm(["test", this.name, "--logs", "--timeout", `${timeoutSeconds}s`], {
      timeoutMs: (timeoutSeconds + 30) * 1_000,
    });
  }

  /** Goes on from the values of a release that is installed already, with the image of this test. */
  async takeOver(): Promise<void> {
    if (!(await this.isInstalled())) return;
    const installed = await this.#cluster.helm(["get", "values", this.name, "--output", "json"]);
    const { image } = this.#values;
    this.#values = mergeValues(JSON.parse(installed) as Values, { image });
  }

  isInstalled(): Promise<boolean> {
    return this.#cluster.succeeds(["get", "statefulset", `${this.fullname}-matcher`]);
  }

  /** The pods of the processes. */
  async pods(): Promise<Pod[]> {
    const list = await this.#cluster.json<PodList>(["get", "pods", "-l", this.selector]);
    return list.items.map(podOf).filter((pod) => !visitors.has(pod.component));
  }

  get selector(): string {
    return `app.kubernetes.io/instance=${this.name}`;
  }

  /** Waits until every wanted pod is there and ready, and no other; says which are not when it gives up. */
  async untilReady(timeoutSeconds: number): Promise<void> {
    let seen = "";
    const areReady = async () => {
      const [pods, wanted] = await Promise.all([this.pods(), this.#wanted()]);
      const wrong = pods.filter(({ isEnding, isReady }) => isEnding || !isReady).map(({ name }) => name);
      seen = `${pods.length} of ${wanted} pods, not ready: ${wrong.join(", ") || "none"}`;
      return wrong.length === 0 && pods.length === wanted;
    };
    const orElse = () => `not all ready after ${timeoutSeconds} s: ${seen}`;
    await untilTrue(areReady, { seconds: timeoutSeconds, everyMs: 500, orElse });
  }

  async #wanted(): Promise<number> {
    const { items } = await this.#cluster.json<{ items: { spec: { replicas: number } }[] }>([
      "get",
      "deployments,statefulsets",
      "-l",
      this.selector,
    ]);
    return items.reduce((sum, { spec }) => sum + spec.replicas, 0);
  }
}

function podOf({ metadata, spec, status }: PodList["items"][number]): Pod {
  return {
    name: metadata.name,
    uid: metadata.uid,
    component: metadata.labels?.[component] ?? "",
    nodeName: spec.nodeName ?? "",
    isReady: (status.conditions ?? []).some(({ status: is, type }) => type === "Ready" && is === "True"),
    isEnding: metadata.deletionTimestamp !== undefined,
    restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** Runs with a file that holds a text; it is gone afterwards. */
export async function withFile<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-kube-"));
  try {
    const file = join(folder, "values.yaml");
    await writeFile(file, text, { mode: 0o600 });
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
