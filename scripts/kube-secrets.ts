// `npm run kube-secrets -- --namespace bourse`: the secrets of a release, where nothing else provides them.
import { signToken } from "@bourse/local/keys.js";
import { StartError } from "@bourse/local/start-error.js";
import { kubectl } from "./kube-secrets/kubectl.js";
import { type Options, parseOptions } from "./kube-secrets/options.js";
import { allSecretNames, planSecrets, secretNames, signingKeyIn } from "./kube-secrets/plan.js";
import { type ExistingSecrets, formatManifest, parseSecrets } from "./kube-secrets/secret.js";

const options = parseOptions(process.argv.slice(2));
const existing = parseSecrets(
  await kubectl([
    ...options.kubectlArgs,
    ...["get", "secret", ...allSecretNames(options.place), "--ignore-not-found", "-o", "json"],
  ]),
);
await (options.token === undefined ? makeSecrets(options, existing) : printToken(options, existing));

async function makeSecrets(
  { place, trustDomain, rotateCertificates, dryRun, kubectlArgs }: Options,
  existing: ExistingSecrets,
): Promise<void> {
  const secrets = await planSecrets(existing, place, { trustDomain, rotateCertificates });
  const labels = {
    "app.kubernetes.io/part-of": "bourse",
    "app.kubernetes.io/managed-by": "kube-secrets",
  };
  if (secrets.length > 0 && !dryRun)
    // On the server's side: kubectl's own way would write every secret a second time, as an annotation.
    await kubectl(
      [
        ...kubectlArgs,
        "apply",
        "--server-side",
        "--field-manager=kube-secrets",
        "--force-conflicts",
        "-f",
        "-",
      ],
      formatManifest(secrets, labels),
    );
  const written = new Set(secrets.map(({ name }) => name));
  for (const name of allSecretNames(place)) {
    if (written.has(name)) console.log(`${name} ${dryRun ? "would be written" : "written"}`);
    else console.log(`${name} ${existing.has(name) ? "kept" : "left out: it is provided for elsewhere"}`);
  }
}

async function printToken({ place, token }: Options, existing: ExistingSecrets): Promise<void> {
  const key = signingKeyIn(existing, place);
  if (key === undefined)
    throw new StartError(
      `no secret ${secretNames(place).signingKey} in namespace ${place.namespace}: tokens of that release are issued elsewhere`,
    );
  if (token !== undefined) console.log(await signToken(key, token));
}
