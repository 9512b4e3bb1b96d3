{{- /*
bourse.yaml, the settings of the whole exchange: what values say, and what follows from the cluster. Each key is
explained in services/local/bourse.yaml of the sources. Secrets are not here; they come as environment or files.
*/}}
{{- define "bourse.settings" -}}
{{- $name := include "bourse.fullname" . }}
{{- $domain := include "bourse.serviceDomain" . }}
{{- $wallet := printf "%s-wallet.%s:50051" $name $domain }}
{{- $tracing := dict "sampleRatio" .Values.tracing.sampleRatio }}
{{- with .Values.tracing.otlpUrl }}{{ $_ := set $tracing "otlpUrl" . }}{{ end }}
{{- $shards := list }}
{{- range $shard := until (int .Values.matcher.shards) }}
{{- $address := printf "%s.%s:50051" (include "bourse.shardName" (dict "root" $ "shard" $shard)) $domain }}
{{- $entry := dict "shard" $shard "address" $address }}
{{- if ne $.Values.mtls.mode "plaintext" }}
{{- /* The matchers share one certificate, and shards to come would not be in it: it has the name of them all. */}}
{{- $_ := set $entry "serverName" (printf "%s-matcher.%s" $name $domain) }}
{{- end }}
{{- $shards = append $shards $entry }}
{{- end }}
{{- $settings := dict "log" .Values.log "tracing" $tracing "shards" $shards "markets" .Values.markets }}
{{- if ne .Values.mtls.mode "plaintext" }}
{{- $files := dict "certFile" "/etc/bourse/tls/tls.crt" "keyFile" "/etc/bourse/tls/tls.key" "caFile" "/etc/bourse/tls/ca.crt" }}
{{- $_ := set $settings "tls" (set $files "trustDomain" .Values.mtls.trustDomain) }}
{{- end }}
{{- range $component, $facts := include "bourse.components" . | fromYaml }}
{{- $section := deepCopy (index $.Values $facts.key "settings" | default dict) }}
{{- $_ := merge $section (dict "host" "0.0.0.0" "adminPort" 9090 "healthPort" 9091) }}
{{- if has "grpc" $facts.serves }}{{ $_ := set $section "grpcPort" 50051 }}{{ end }}
{{- if has "http" $facts.serves }}{{ $_ := set $section "httpPort" 8080 }}{{ end }}
{{- $_ := set $settings $facts.key $section }}
{{- end }}
{{- $_ := set $settings.matcher "dataDir" "/var/lib/bourse" }}
{{- $_ := set $settings.settler "walletAddress" $wallet }}
{{- with $settings.orderGateway }}
{{- $_ := set . "walletAddress" $wallet }}
{{- $_ := set . "marketDataAddress" (printf "%s-market-data.%s:50051" $name $domain) }}
{{- $_ := set . "tokenIssuer" $.Values.auth.issuer }}
{{- $_ := set . "tokenAudience" $.Values.auth.audience }}
{{- if $.Values.auth.jwksUrl }}{{ $_ := set . "jwksUrl" $.Values.auth.jwksUrl }}
{{- else }}{{ $_ := set . "jwksFile" "/etc/bourse/jwks/jwks.json" }}
{{- end }}
{{- end }}
{{- toYaml $settings }}
{{- end }}

{{- /* Hash of what one process reads only at its start. When it changes, this process restarts and no other. */}}
{{- define "bourse.settingsChecksum" -}}
{{- $settings := include "bourse.settings" .root | fromYaml }}
{{- $read := dict }}
{{- range concat (list "log" "tracing" "tls" .facts.key) .facts.reads }}
{{- $_ := set $read . (index $settings .) }}
{{- end }}
{{- toJson $read | sha256sum }}
{{- end }}
