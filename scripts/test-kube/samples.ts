// What the checks give the chart where its defaults are empty, what goes together, and what kube-score says
// that does not hold here.
import { nameOf } from "./toggles.js";

/** A value to try, or why there is none. */
export type Sample =
  | { readonly value: unknown; readonly skip?: never }
  | { readonly skip: string; readonly value?: never };

const PEERS = [{ ipBlock: { cidr: "10.0.0.0/8" } }];
const RESERVED = "the schema says that it stays empty in this version";

/** By full name, else by the last key: what is called alike is alike. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  global: { skip: "Helm's own; no template reads it" },
  nameOverride: { value: "exchange" },
  fullnameOverride: { value: "exchange" },
  commonLabels: { value: { team: "trading" } },
  tag: { value: "1.2.3" },
  digest: { value: `sha256:${"0123456789abcdef".repeat(4)}` },
  imagePullSecrets: { value: [{ name: "registry" }] },
  "serviceAccount.name": { value: "exchange" },
  annotations: { value: { "example.com/note": "text" } },
  labels: { value: { release: "prometheus" } },
  otlpUrl: { value: "http://otel-collector.monitoring:4317" },
  markets: {
    value: [
      {
        symbol: "BTC/USDT",
        baseAsset: "BTC",
        quoteAsset: "USDT",
        shard: 0,
        tickSize: "0.01",
        lotSize: "0.00001",
        state: "TRADING",
      },
    ],
  },
  jwksUrl: { value: "https://login.example.com/keys" },
  "kafka.brokers": { skip: RESERVED },
  "redis.url": { skip: RESERVED },
  "mtls.existingSecrets": { value: { wallet: "certificate-of-the-wallet" } },
  "mtls.issuerRef.name": { value: "mesh" },
  podAnnotations: { value: { "example.com/note": "text" } },
  podLabels: { value: { team: "trading" } },
  nodeSelector: { value: { "kubernetes.io/os": "linux" } },
  tolerations: { value: [{ key: "dedicated", operator: "Equal", value: "exchange", effect: "NoSchedule" }] },
  affinity: {
    value: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "In", values: ["fast"] }] }],
        },
      },
    },
  },
  topologySpreadConstraints: {
    value: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { "app.kubernetes.io/name": "bourse" } },
      },
    ],
  },
  priorityClassName: { value: "high" },
  command: { value: ["node", "--inspect=127.0.0.1:9229", "/app/services/run.mjs"] },
  nodeOptions: { value: "--max-semi-space-size=16" },
  startupSecondsMax: { value: 45 },
  terminationGracePeriodSeconds: { value: 60 },
  preStopSleepSeconds: { value: 2 },
  extraEnv: { value: [{ name: "NODE_EXTRA_CA_CERTS", value: "/etc/extra/ca.crt" }] },
  extraEnvFrom: { value: [{ configMapRef: { name: "extra" } }] },
  extraVolumes: { value: [{ name: "extra", configMap: { name: "extra" } }] },
  extraVolumeMounts: { value: [{ name: "extra", mountPath: "/etc/extra", readOnly: true }] },
  initContainers: { value: [{ name: "first", image: "registry.example.com/first:1" }] },
  extraContainers: { value: [{ name: "beside", image: "registry.example.com/beside:1" }] },
  trafficDistribution: { value: "PreferClose" },
  externalTrafficPolicy: { value: "Local" },
  loadBalancerSourceRanges: { value: ["192.0.2.0/24"] },
  settings: { value: { drainMsMax: 12_000 } },
  storageClass: { value: "fast" },
  "smoke.existingSecret": { value: "bourse-smoke" },
  from: { value: PEERS },
  to: { value: PEERS },
  parentRefs: { value: [{ name: "gateway", namespace: "gateways", sectionName: "https" }] },
  "gatewayApi.httpRoute.hostnames": { value: ["api.example.com"] },
  "gatewayApi.grpcRoute.hostnames": { value: ["grpc.example.com"] },
  timeouts: { value: { request: "0s" } },
  className: { value: "public" },
  "ingress.http.hosts": { value: ["api.example.com"] },
  "ingress.grpc.hosts": { value: ["grpc.example.com"] },
  tls: { value: [{ hosts: ["api.example.com"], secretName: "certificate" }] },
  extraObjects: {
    value: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "{{ .Release.Name }}-extra" } }],
  },
};

/** The sample for a value; undefined when nobody has thought of one. */
export function sampleOf(path: readonly string[]): Sample | undefined {
  return SAMPLES[nameOf(path)] ?? SAMPLES[path.at(-1) ?? ""];
}

/** Values that only work together. */
export const COMPANIONS: readonly {
  readonly when: (at: (name: string) => unknown) => boolean;
  readonly needs: unknown;
}[] = [
  {
    when: (at) => at("mtls.mode") === "certManager",
    needs: { mtls: { issuerRef: { name: "mesh" } } },
  },
  { when: (at) => Boolean(at("auth.jwksUrl")), needs: { auth: { existingSecret: "" } } },
  {
    when: (at) => at("gatewayApi.enabled") === true,
    needs: {
      gatewayApi: {
        parentRefs: [{ name: "gateway" }],
        httpRoute: { hostnames: ["api.example.com"] },
        grpcRoute: { hostnames: ["grpc.example.com"] },
      },
    },
  },
  {
    when: (at) => at("ingress.enabled") === true,
    needs: { ingress: { http: { hosts: ["api.example.com"] } } },
  },
  // The market of the sample.
  { when: (at) => Boolean(at("smoke.existingSecret")), needs: { smoke: { symbol: "BTC/USDT" } } },
  {
    when: (at) => at("monitoring.serviceMonitor.enabled") === true,
    needs: { monitoring: { podMonitor: { enabled: false } } },
  },
];

/** A finding of kube-score that does not hold here, by the end of its line, and why. */
export const SCORE_ACCEPTED: readonly { readonly finding: RegExp; readonly reason: string }[] = [
  {
    finding: /running with a low (user|group) ID$/,
    reason: "1000 is the user of the Node image; nothing of the host is mounted that its user 1000 could own",
  },
  {
    finding: /Ephemeral Storage (limit|request) is not set$/,
    reason: "the root is read-only and /tmp has a limit of its own; logs are rotated by the node",
  },
  {
    finding: /ImagePullPolicy is not set to Always$/,
    reason: "a digest never changes; a restart must not depend on the registry",
  },
  {
    finding: /^bourse-auditor .*selector doesn't match any pods$/,
    reason: "pods of an audit come and go; the policy is there for them",
  },
  {
    finding: /-matcher-\d+ v1\/Service: The services selector does not match any pods$/,
    reason: "by the name of a pod, which the StatefulSet gives as a label and its template cannot show",
  },
];

/** Findings that hold, but not in an environment of one machine. */
export const SCORE_ACCEPTED_ON_ONE_MACHINE: typeof SCORE_ACCEPTED = [
  { finding: /Deployment few replicas$/, reason: "a second pod on the same node survives nothing more" },
];
