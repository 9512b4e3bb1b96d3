// One namespace of a cluster, by kubectl and helm.
import { type CommandOptions, run, runCommand, runLines } from "./command.js";

/** Longest that an ordinary call may take. */
const callMsMax = 60_000;

type CallOptions = Partial<CommandOptions>;

/** A namespace that is worked on; the kubeconfig says in which cluster. */
export class Cluster {
  readonly namespace: string;
  readonly #kubeconfig: string | undefined;
  readonly #signal: AbortSignal | undefined;

  /** Without a kubeconfig kubectl's own default counts. The signal ends calls that are under way. */
  constructor(options: { kubeconfig?: string | undefined; namespace: string; signal?: AbortSignal }) {
    this.namespace = options.namespace;
    this.#kubeconfig = options.kubeconfig;
    this.#signal = options.signal;
  }

  /** The same namespace without the signal: for what must be cleaned up after an interruption. */
  uninterrupted(): Cluster {
    return new Cluster({ kubeconfig: this.#kubeconfig, namespace: this.namespace });
  }

  /** Another namespace of the same cluster. */
  inNamespace(namespace: string): Cluster {
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    return new Cluster({ kubeconfig: this.#kubeconfig, namespace, ...signal });
  }

  /** What kubectl prints. Throws a CommandError when it fails. */
  kubectl(args: readonly string[], options: CallOptions = {}): Promise<string> {
    return run("kubectl", this.kubectlArgs(args), this.#with(options));
  }

  /** True when kubectl exits with 0. */
  async succeeds(args: readonly string[], options: CallOptions = {}): Promise<boolean> {
    return (await runCommand("kubectl", this.kubectlArgs(args), this.#with(options))).code === 0;
  }

  /** What kubectl prints as JSON. */
  async json<T>(args: readonly string[], options: CallOptions = {}): Promise<T> {
    return JSON.parse(await this.kubectl([...args, "-o", "json"], options)) as T;
  }

  /** kubectl's lines one by one. */
  lines(args: readonly string[], onLine: (line: string) => void, options: CallOptions = {}): Promise<void> {
    return runLines("kubectl", this.kubectlArgs(args), this.#with(options), onLine);
  }

  /** Applies manifests, given as objects. */
  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.kubectl(["apply", "-f", "-"], { input: JSON.stringify(list) });
  }

  /** What helm prints. Throws a CommandError when it fails. */
  helm(args: readonly string[], options: CallOptions = {}): Promise<string> {
    return run(
      "helm",
      [...this.#kubeconfigArgs(), "--namespace", this.namespace, ...args],
      this.#with(options),
    );
  }

  /** The arguments that make kubectl work on this namespace. */
  kubectlArgs(args: readonly string[]): string[] {
    return [...this.#kubeconfigArgs(), "--namespace", this.namespace, ...args];
  }

  #kubeconfigArgs(): string[] {
    return this.#kubeconfig === undefined ? [] : ["--kubeconfig", this.#kubeconfig];
  }

  #with(options: CallOptions): CommandOptions {
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    return { timeoutMs: callMsMax, ...signal, ...options };
  }
}
