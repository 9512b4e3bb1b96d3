{{- /* Who may talk to whom. */}}

{{- /* Rules for one component: its arrows, and what its facts say. */}}
{{- define "bourse.ingressOf" -}}
{{- $policy := .root.Values.networkPolicy }}
{{- range include "bourse.arrows" . | fromYamlArray }}
{{- if eq .to $.component }}
- from: {{ include "bourse.podPeer" (dict "root" $.root "component" .from) }}
  ports: {{ include "bourse.policyPorts" .ports }}
{{- end }}
{{- end }}
{{- if eq .component "order-gateway" }}
# The world: whoever comes through a gateway, an ingress or a load balancer, and clients in the cluster.
- ports: {{ include "bourse.policyPorts" (list 8080 50051) }}
  {{- with $policy.edge.from }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if and .facts.key $policy.monitoring.from }}
- ports: {{ include "bourse.policyPorts" (list 9090) }}
  from: {{- toYaml $policy.monitoring.from | nindent 4 }}
{{- end }}
{{- end }}

{{- define "bourse.egressOf" -}}
{{- $values := .root.Values }}
{{- $otlpUrl := and .facts.key $values.tracing.otlpUrl }}
{{- $jwksUrl := and (eq .component "order-gateway") $values.auth.jwksUrl }}
{{- $isCaller := or .facts.postgresUrl $otlpUrl $jwksUrl }}
{{- range include "bourse.arrows" . | fromYamlArray }}
{{- if eq .from $.component }}
{{- $isCaller = true }}
- to: {{ include "bourse.podPeer" (dict "root" $.root "component" .to) }}
  ports: {{ include "bourse.policyPorts" .ports }}
{{- end }}
{{- end }}
{{- if .facts.postgresUrl }}
{{ include "bourse.egressPostgres" .root }}
{{- end }}
{{- with $jwksUrl }}
{{ include "bourse.egressUrl" (dict "url" . "to" $values.networkPolicy.jwks.to) }}
{{- end }}
{{- with $otlpUrl }}
{{ include "bourse.egressUrl" (dict "url" . "to" $values.networkPolicy.otlp.to) }}
{{- end }}
{{- if $isCaller }}
{{ include "bourse.egressDns" .root }}
{{- end }}
{{- end }}

{{- define "bourse.podPeer" -}}
[{ podSelector: { matchLabels: {{ include "bourse.selectorLabels" . | fromYaml | toJson }} } }]
{{- end }}

{{- /* Who calls whom inside the mesh. The matcher calls nobody. */}}
{{- define "bourse.arrows" -}}
{{- $wallet := eq .root.Values.mtls.mode "plaintext" | ternary "[50051]" "[50051, 8082]" }}
- { from: order-gateway, to: wallet, ports: {{ $wallet }} }
- { from: order-gateway, to: matcher, ports: [50051] }
- { from: order-gateway, to: market-data, ports: [50051] }
- { from: settler, to: wallet, ports: {{ $wallet }} }
- { from: settler, to: matcher, ports: [50051] }
- { from: projector, to: matcher, ports: [50051] }
- { from: market-data, to: matcher, ports: [50051] }
- { from: auditor, to: matcher, ports: [50051] }
- { from: auditor, to: order-gateway, ports: [8080, 50051] }
- { from: smoke, to: order-gateway, ports: [8080, 50051] }
{{- end }}

{{- /* Pods that come and go beside the processes: the audit, and helm test. */}}
{{- define "bourse.visitors" -}}
auditor: { postgresUrl: auditorUrlKey }
{{- if .Values.smoke.existingSecret }}
smoke: {}
{{- end }}
{{- end }}

{{- define "bourse.policyPorts" -}}
[{{ range $index, $port := . }}{{ if $index }}, {{ end }}{ protocol: TCP, port: {{ int64 $port }} }{{ end }}]
{{- end }}

{{- define "bourse.egressDns" -}}
- to: {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - { protocol: UDP, port: {{ int64 . }} }
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
{{- end }}

{{- define "bourse.egressPostgres" -}}
- ports: {{ include "bourse.policyPorts" .Values.networkPolicy.postgres.ports }}
  {{- with .Values.networkPolicy.postgres.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* To the port that an address names, or the usual one of its scheme. */}}
{{- define "bourse.egressUrl" -}}
{{- $url := urlParse .url }}
{{- $usual := eq $url.scheme "https" | ternary 443 80 }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $usual }}
- ports: {{ include "bourse.policyPorts" (list $port) }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
