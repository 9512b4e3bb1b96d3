// A secret of the cluster as plain text, and its form for kubectl.

/** A secret: its name, its Kubernetes type and its entries as text. */
export interface Secret {
  readonly name: string;
  readonly type: "Opaque" | "kubernetes.io/tls";
  readonly data: Readonly<Record<string, string>>;
}

/** The entries of the secrets that a namespace has, by name of the secret. */
export type ExistingSecrets = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** What `kubectl apply -f -` reads. */
export function formatManifest(secrets: readonly Secret[], labels: Readonly<Record<string, string>>): string {
  const items = secrets.map(({ name, type, data }) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, labels },
    type,
    data: mapValues(data, (text) => Buffer.from(text, "utf8").toString("base64")),
  }));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

interface SecretObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Reads what `kubectl get secret --ignore-not-found -o json` prints: nothing, one object, or a list. */
export function parseSecrets(json: string): ExistingSecrets {
  if (json.trim() === "") return new Map();
  const answer = JSON.parse(json) as SecretObject & { readonly items?: readonly SecretObject[] };
  const objects = answer.items ?? [answer];
  return new Map(
    objects.map(({ metadata, data = {} }) => [
      metadata.name,
      mapValues(data, (text) => Buffer.from(text, "base64").toString("utf8")),
    ]),
  );
}

function mapValues(
  record: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
