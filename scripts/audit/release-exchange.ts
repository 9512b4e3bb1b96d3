// The exchange that a Helm release runs in a cluster: reached as its operator would, by port-forwards, the
// auditor's own certificate, and the journal's tool in the matchers' pods.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openChannel } from "@bourse/shared/rpc/client.js";
import { type MeshTls, openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import type { Cluster } from "../kube/cluster.js";
import { CommandError, lastLines } from "../kube/command.js";
import { openPortForward, type PortForward } from "../kube/port-forward.js";
import { parseSecrets } from "../kube-secrets/secret.js";
import type { AuditedExchange, AuditedShard, JournalTool } from "./exchange.js";

const grpcPort = 50_051;
const dataDir = "/var/lib/bourse";
const trustDomainDefault = "bourse";
const journalMsMax = 3_600_000;

export interface ReleaseOptions {
  /** Name of the release's objects. */
  readonly fullname: string;
  readonly trustDomain?: string;
}

/** Opens the way to everything that an audit reads; throws with what is missing. */
export async function openReleaseExchange(
  cluster: Cluster,
  options: ReleaseOptions,
): Promise<AuditedExchange> {
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each();
  };
  const forward = async (target: string, port: number, within = cluster) => {
    const forwarded: PortForward = await openPortForward(within, target, port);
    opened.push(forwarded.close);
    return forwarded.address;
  };
  try {
    const { fullname } = options;
    const tls = await openAuditorTls(cluster, options, opened);
    const shards: AuditedShard[] = [];
    for (let shard = 0; shard < (await shardCount(cluster, fullname)); shard += 1) {
      const address = await forward(`pod/${fullname}-matcher-${shard}`, grpcPort);
      shards.push(shardOf(cluster, { fullname, shard, address, tls }));
    }
    return {
      auditorUrl: await auditorUrl(cluster, fullname, forward),
      edgeAddress: await forward(`service/${fullname}-order-gateway`, grpcPort),
      shards,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function shardCount(cluster: Cluster, fullname: string): Promise<number> {
  const { spec } = await cluster.json<{ spec: { replicas: number } }>([
    "get",
    "statefulset",
    `${fullname}-matcher`,
  ]);
  return spec.replicas;
}

function shardOf(
  cluster: Cluster,
  {
    address,
    fullname,
    shard,
    tls,
  }: { address: string; fullname: string; shard: number; tls: MeshTls | undefined },
): AuditedShard {
  const pod = `${fullname}-matcher-${shard}`;
  // The certificate names the pod as the cluster knows it, not the forwarded port.
  const serverName = `${pod}.${fullname}-matcher.${cluster.namespace}.svc.cluster.local`;
  return {
    shard,
    openChannel: () => openChannel(address, { tls, serverName }),
    journal: journalTool(cluster, pod),
  };
}

/** The tool of the image that runs, beside the journal: what reads it is what wrote it. */
function journalTool(cluster: Cluster, pod: string): JournalTool {
  return async (command, options, onLine) => {
    const tool = ["node", "/app/services/run.mjs", "journal", command, dataDir, ...options];
    try {
      await cluster.lines(["exec", pod, "-c", "matcher", "--", ...tool], onLine, { timeoutMs: journalMsMax });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new Error(`journal ${command} in ${pod}: ${lastLines(error.result.stderr, 5)}`, { cause: error });
    }
  };
}

/** The auditor's certificate as files that only we can read, gone on close; undefined in a mesh without TLS. */
async function openAuditorTls(
  cluster: Cluster,
  { fullname, trustDomain }: ReleaseOptions,
  opened: (() => Promise<void>)[],
): Promise<MeshTls | undefined> {
  const name = `${fullname}-auditor-tls`;
  const data = await secretData(cluster, name);
  if (data === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "bourse-audit-"));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  const write = async (key: string) => {
    const text = data[key];
    if (text === undefined) throw new Error(`secret ${name} has no ${key}`);
    await writeFile(join(folder, key), text, { mode: 0o600 });
    return join(folder, key);
  };
  return openMeshTls({
    certFile: await write("tls.crt"),
    keyFile: await write("tls.key"),
    caFile: await write("ca.crt"),
    trustDomain: trustDomain ?? trustDomainDefault,
  });
}

/** The auditor's URL as it works from here: a database inside the cluster is reached by its service. */
async function auditorUrl(
  cluster: Cluster,
  fullname: string,
  forward: (target: string, port: number, within?: Cluster) => Promise<string>,
): Promise<string> {
  const name = await postgresSecret(cluster, fullname);
  const text = (await secretData(cluster, name))?.["auditor-url"];
  if (text === undefined) throw new Error(`secret ${name} has no auditor-url`);
  const url = new URL(text);
  const [service = "", namespace = cluster.namespace] = url.hostname.split(".");
  const within = cluster.inNamespace(namespace);
  if (!(await within.succeeds(["get", "service", service]))) return text;
  const address = await forward(`service/${service}`, Number(url.port || "5432"), within);
  // The URL type refuses to change the host of some schemes, the text does not.
  return text.replace(`@${url.host}`, `@${address}`);
}

interface WalletDeployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env?: readonly {
            readonly name: string;
            readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } };
          }[];
        }[];
      };
    };
  };
}

/** The secret from which the wallet has its address: values name it, not the release. */
async function postgresSecret(cluster: Cluster, fullname: string): Promise<string> {
  const wallet = `${fullname}-wallet`;
  const { spec } = await cluster.json<WalletDeployment>(["get", "deployment", wallet]);
  const env = spec.template.spec.containers.flatMap((container) => container.env ?? []);
  const url = env.find(({ name }) => name === "BOURSE__WALLET__POSTGRES_URL");
  const name = url?.valueFrom?.secretKeyRef?.name;
  if (name === undefined) throw new Error(`deployment ${wallet} names no secret with its database`);
  return name;
}

async function secretData(
  cluster: Cluster,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  return parseSecrets(await cluster.kubectl(["get", "secret", name, "--ignore-not-found", "-o", "json"])).get(
    name,
  );
}
