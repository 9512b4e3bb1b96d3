{{- /* Names, labels, and the one table of what the processes are. */}}

{{- define "bourse.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /*
Begins the name of every object. 40 characters leave room for the longest suffix, -order-gateway-headless, in a
DNS label of 63.
*/}}
{{- define "bourse.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $full | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* Labels by which pods are found. They never change: a selector is immutable. */}}
{{- define "bourse.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bourse.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- /* Labels of objects. Pods do not carry those with versions: a new chart alone must restart nothing. */}}
{{- define "bourse.labels" -}}
{{ include "bourse.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/part-of: bourse
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A digest names one image for ever, so it wins over the tag. */}}
{{- define "bourse.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{- define "bourse.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "bourse.fullname" .) "default") }}
{{- end }}

{{- /* The preflight runs before the release's own account exists, so it brings one. */}}
{{- define "bourse.preflightAccountName" -}}
{{- if .Values.serviceAccount.create }}{{ include "bourse.fullname" . }}-preflight
{{- else }}{{ include "bourse.serviceAccountName" . }}
{{- end }}
{{- end }}

{{- /*
The processes. A new one is a new entry here, in values.yaml and in the network policies.
  key          its section in values.yaml and in bourse.yaml
  kind         what runs it
  serves       doors that others call: grpc 50051, http 8080, rest 8082 (for services that show a certificate; in
               plaintext the process keeps that door for its own pod)
  reads        top-level keys of bourse.yaml that it reads besides log, tracing, tls and its own section, and
               that need a restart when they change. Matchers read markets too, but live: not listed.
  postgresUrl  key under postgres in values.yaml that names the key of its database in the secret
*/}}
{{- define "bourse.components" -}}
order-gateway: { key: orderGateway, kind: Deployment, serves: [http, grpc], reads: [shards], postgresUrl: ordersUrlKey }
wallet: { key: wallet, kind: Deployment, serves: [grpc{{ if ne .Values.mtls.mode "plaintext" }}, rest{{ end }}], reads: [], postgresUrl: walletUrlKey }
settler: { key: settler, kind: Deployment, serves: [], reads: [shards] }
projector: { key: projector, kind: Deployment, serves: [], reads: [shards], postgresUrl: ordersUrlKey }
market-data: { key: marketData, kind: Deployment, serves: [grpc], reads: [shards] }
matcher: { key: matcher, kind: StatefulSet, serves: [grpc], reads: [] }
{{- end }}

{{- /* Names in certificates: every process, and the audit. */}}
{{- define "bourse.identities" -}}
{{- append (include "bourse.components" . | fromYaml | keys | sortAlpha) "auditor" | toJson }}
{{- end }}

{{- define "bourse.tlsSecretName" -}}
{{- index .root.Values.mtls.existingSecrets .component | default (printf "%s-%s-tls" (include "bourse.fullname" .root) .component) }}
{{- end }}

{{- /* Name of a shard's pod, by the rules of a StatefulSet, and of its service. */}}
{{- define "bourse.shardName" -}}
{{ include "bourse.fullname" .root }}-matcher-{{ .shard }}
{{- end }}

{{- define "bourse.serviceDomain" -}}
{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- /* Whether keys of access tokens come from a secret and not from an address. */}}
{{- define "bourse.jwksMounted" -}}
{{- if and (eq .component "order-gateway") .root.Values.auth.existingSecret }}true{{ end }}
{{- end }}

{{- /* Environment variable with the address of a database, from the secret: names its password too. */}}
{{- define "bourse.postgresEnv" -}}
{{- with .facts.postgresUrl }}
- name: BOURSE__{{ $.facts.key | snakecase | upper }}__POSTGRES_URL
  valueFrom:
    secretKeyRef:
      name: {{ $.root.Values.postgres.existingSecret }}
      key: {{ index $.root.Values.postgres . }}
{{- end }}
{{- end }}
