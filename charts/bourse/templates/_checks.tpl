{{- /*
What a schema cannot say. Everything wrong with the values is found here, before anything is sent to the cluster, and
told at once. What only a cluster knows (its secrets, the installed release) is asked where there is one: helm
install and upgrade, or a dry run with --dry-run=server. Each check prints its mistakes, one a line.
*/}}
{{- define "bourse.checks" -}}
{{- $mistakes := list }}
{{- range list "bourse.checkMarkets" "bourse.checkSecretNames" "bourse.checkSmoke" "bourse.checkDoors" "bourse.checkMonitors" "bourse.checkGracePeriods" "bourse.checkCluster" }}
{{- $mistakes = concat $mistakes (include . $ | splitList "\n") }}
{{- end }}
{{- with without $mistakes "" }}
{{- fail (printf "these values cannot work:\n  %s\n" (join "\n  " .)) }}
{{- end }}
{{- end }}

{{- define "bourse.checkMarkets" -}}
{{- $shards := int64 .Values.matcher.shards }}
{{- $shardOf := dict }}
{{- range .Values.markets }}
{{- $market := printf "market %s" .symbol }}
{{- $shard := int64 .shard }}
{{- if hasKey $shardOf .symbol }}
{{- $other := get $shardOf .symbol }}
{{- if eq $other $shard }}
{{ $market }} is listed twice
{{- else }}
{{ $market }} is on shards {{ min $other $shard }} and {{ max $other $shard }}: a market lives on one shard
{{- end }}
{{- end }}
{{- $_ := set $shardOf .symbol $shard }}
{{- if ge $shard $shards }}
{{ $market }} is on shard {{ $shard }}, which has no replica: matcher.shards is {{ $shards }}, so the last shard is {{ sub $shards 1 }}
{{- end }}
{{- if or (ne .symbol (printf "%s/%s" .baseAsset .quoteAsset)) (eq .baseAsset .quoteAsset) }}
{{ $market }} must be named for its two assets: baseAsset is {{ .baseAsset }}, quoteAsset is {{ .quoteAsset }}
{{- end }}
{{- $lotSize := .lotSize }}
{{- $tick := include "bourse.atoms" .tickSize }}
{{- $lot := include "bourse.atoms" .lotSize }}
{{- if eq $tick "0" }}
{{ $market }}: tickSize must be above zero
{{- else if eq $lot "0" }}
{{ $market }}: lotSize must be above zero
{{- else }}
{{- if ne (include "bourse.tickLotRest" .) "0" }}
{{ $market }}: tickSize {{ .tickSize }} x lotSize {{ .lotSize }} is no whole number of 0.00000001 {{ .quoteAsset }}, so amounts could not be exact
{{- end }}
{{- $min := .minQuantity | default "0" }}
{{- $max := .maxQuantity | default "0" }}
{{- range $key, $quantity := dict "minQuantity" $min "maxQuantity" $max }}
{{- if ne (include "bourse.remainder" (dict "atoms" (include "bourse.atoms" $quantity) "divisor" $lot)) "0" }}
{{ $market }}: {{ $key }} {{ $quantity }} is no multiple of lotSize {{ $lotSize }}
{{- end }}
{{- end }}
{{- $minDigits := include "bourse.atoms" $min | include "bourse.twentyDigits" }}
{{- $maxDigits := include "bourse.atoms" $max | include "bourse.twentyDigits" }}
{{- if and (ne (include "bourse.atoms" $max) "0") (lt $maxDigits $minDigits) }}
{{ $market }}: maxQuantity {{ $max }} is below minQuantity {{ $min }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /*
Decimal text as a whole number of 0.00000001, in digits without leading zeros. Text, because it may have 20 digits and
templates calculate in 64 bits.
*/}}
{{- define "bourse.atoms" -}}
{{- $parts := splitList "." . }}
{{- $fraction := "" }}
{{- if eq (len $parts) 2 }}{{ $fraction = last $parts }}{{ end }}
{{- $digits := printf "%s%s" (first $parts) (printf "%s00000000" $fraction | trunc 8) }}
{{- regexReplaceAll "^0+" $digits "" | default "0" }}
{{- end }}

{{- /* With leading zeros, so that the order of texts is the order of numbers. */}}
{{- define "bourse.twentyDigits" -}}
{{- printf "%s%s" (repeat (sub 20 (len .) | int) "0") . }}
{{- end }}

{{- /* The rest of a division, by long division: each step stays below 10 x divisor, which the schema keeps small. */}}
{{- define "bourse.remainder" -}}
{{- $divisor := int64 .divisor }}
{{- $rest := int64 0 }}
{{- range splitList "" .atoms }}
{{- $rest = mod (add (mul $rest 10) (int64 .)) $divisor }}
{{- end }}
{{- $rest }}
{{- end }}

{{- /*
The rest of tick atoms x lot atoms divided by 10^8: tick x lot is a whole number of atoms if it is zero. Only their
last eight digits count, so the product fits into 64 bits.
*/}}
{{- define "bourse.tickLotRest" -}}
{{- $rest := int64 1 }}
{{- range list .tickSize .lotSize }}
{{- $last := include "bourse.atoms" . | include "bourse.twentyDigits" | trunc -8 }}
{{- $rest = mul $rest (int64 (regexReplaceAll "^0+" $last "" | default "0")) }}
{{- end }}
{{- mod $rest 100000000 }}
{{- end }}

{{- define "bourse.checkSecretNames" -}}
{{- with .Values }}
{{- if not .postgres.existingSecret }}
postgres.existingSecret must name the secret with the addresses of the databases
{{- end }}
{{- if and .auth.jwksUrl .auth.existingSecret }}
auth.jwksUrl and auth.existingSecret are both set: the keys of access tokens come from one place; empty the other
{{- else if not (or .auth.jwksUrl .auth.existingSecret) }}
auth.existingSecret or auth.jwksUrl must say where the keys of access tokens come from
{{- end }}
{{- if and (eq .mtls.mode "certManager") (not .mtls.issuerRef.name) }}
mtls.issuerRef.name must name the issuer of the certificates, since mtls.mode is certManager
{{- end }}
{{- end }}
{{- end }}

{{- define "bourse.checkSmoke" -}}
{{- $symbols := list }}
{{- range .Values.markets }}{{ $symbols = append $symbols .symbol }}{{ end }}
{{- with .Values.smoke }}
{{- if and .existingSecret (not (has .symbol $symbols)) }}
smoke.symbol {{ .symbol }} is not among markets ({{ join ", " $symbols | default "none" }}): list it, name one that is, or empty smoke.existingSecret to have no test
{{- end }}
{{- end }}
{{- end }}

{{- define "bourse.checkMonitors" -}}
{{- with .Values.monitoring }}
{{- if and .podMonitor.enabled .serviceMonitor.enabled }}
monitoring.podMonitor and monitoring.serviceMonitor are both enabled: every process would be read twice
{{- end }}
{{- end }}
{{- end }}

{{- define "bourse.checkDoors" -}}
{{- with .Values.gatewayApi }}
{{- if .enabled }}
{{- if not .parentRefs }}
gatewayApi.parentRefs must name the gateway, since gatewayApi.enabled is true
{{- end }}
{{- if and .httpRoute.enabled .grpcRoute.enabled }}
{{- range .httpRoute.hostnames }}
{{- if has . $.Values.gatewayApi.grpcRoute.hostnames }}
gatewayApi: {{ . }} is a hostname of the httpRoute and of the grpcRoute; a gateway accepts one of them only
{{- end }}
{{- end }}
{{- if not (and .httpRoute.hostnames .grpcRoute.hostnames) }}
gatewayApi: httpRoute and grpcRoute need hostnames of their own; without any, both claim every host
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.ingress }}
{{- if and .enabled (not .http.hosts) (not .grpc.hosts) }}
ingress.http.hosts or ingress.grpc.hosts must name a host, since ingress.enabled is true
{{- end }}
{{- end }}
{{- end }}

{{- /* A pod that is killed while it drains leaves callers with unknown outcomes. */}}
{{- define "bourse.checkGracePeriods" -}}
{{- range $component, $facts := include "bourse.components" . | fromYaml }}
{{- $config := merge (deepCopy (index $.Values $facts.key)) $.Values.pods }}
{{- $drainMs := dig "settings" "drainMsMax" 15000 $config | int64 }}
{{- $sleep := $config.preStopSleepSeconds | default 0 | int64 }}
{{- $needed := add $sleep (div (add $drainMs 999) 1000) }}
{{- $grace := int64 $config.terminationGracePeriodSeconds }}
{{- if le $grace $needed }}
{{ $facts.key }}.terminationGracePeriodSeconds {{ $grace }} must be above {{ $needed }}: preStopSleepSeconds {{ $sleep }} and a drain of {{ $drainMs }} ms
{{- end }}
{{- if and $config.autoscaling (gt (int64 $config.autoscaling.minReplicas) (int64 $config.autoscaling.maxReplicas)) }}
{{ $facts.key }}.autoscaling.minReplicas must not be above maxReplicas
{{- end }}
{{- end }}
{{- end }}

{{- /* Every namespace has the ConfigMap kube-root-ca.crt: if it is seen, there is a cluster to ask. */}}
{{- define "bourse.checkCluster" -}}
{{- if lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt" }}
{{- if semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version }}
this cluster is Kubernetes {{ .Capabilities.KubeVersion.Version }}; the chart needs 1.30 or newer
{{- end }}
{{ include "bourse.checkSecrets" . }}
{{ include "bourse.checkInstalled" . }}
{{- end }}
{{- end }}

{{- define "bourse.checkSecrets" -}}
{{- $needed := dict }}
{{- with .Values }}
{{- if .postgres.existingSecret }}
{{- $_ := set $needed .postgres.existingSecret (dict "keys" (list .postgres.walletUrlKey .postgres.ordersUrlKey) "value" "postgres.existingSecret") }}
{{- end }}
{{- if .auth.existingSecret }}
{{- $_ := set $needed .auth.existingSecret (dict "keys" (list .auth.key) "value" "auth.existingSecret") }}
{{- end }}
{{- if .smoke.existingSecret }}
{{- $_ := set $needed .smoke.existingSecret (dict "keys" (list "operator-token" "buyer-token" "seller-token") "value" "smoke.existingSecret") }}
{{- end }}
{{- end }}
{{- if eq .Values.mtls.mode "existingSecrets" }}
{{- range $component := keys (include "bourse.components" . | fromYaml) }}
{{- $name := include "bourse.tlsSecretName" (dict "root" $ "component" $component) }}
{{- $_ := set $needed $name (dict "keys" (list "tls.crt" "tls.key" "ca.crt") "value" (printf "mtls.existingSecrets.%s" $component)) }}
{{- end }}
{{- end }}
{{- range $name, $need := $needed }}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace $name }}
{{- if not $secret }}
secret {{ $name }} ({{ $need.value }}) is missing in namespace {{ $.Release.Namespace }}; it needs {{ join ", " $need.keys }}
{{- else }}
{{- range $need.keys }}
{{- if not (hasKey ($secret.data | default dict) .) }}
secret {{ $name }} ({{ $need.value }}) in namespace {{ $.Release.Namespace }} has no key {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What is installed and can never change: shards that hold journals, their volumes, and markets in them. */}}
{{- define "bourse.checkInstalled" -}}
{{- $name := include "bourse.fullname" . }}
{{- with lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-matcher" $name) }}
{{- $running := int64 .spec.replicas }}
{{- if lt (int64 $.Values.matcher.shards) $running }}
matcher.shards {{ int64 $.Values.matcher.shards }} is below the {{ $running }} that run: shards cannot be taken away, their journals hold orders and money
{{- end }}
{{- with first .spec.volumeClaimTemplates }}
{{- $wanted := $.Values.matcher.persistence }}
{{- if ne (include "bourse.bytes" .spec.resources.requests.storage) (include "bourse.bytes" $wanted.size) }}
matcher.persistence.size {{ $wanted.size }} differs from the installed {{ .spec.resources.requests.storage }}: a StatefulSet cannot change it; enlarge the claims themselves
{{- end }}
{{- if ne (.spec.storageClassName | default "") $wanted.storageClass }}
matcher.persistence.storageClass {{ $wanted.storageClass | default "(default class)" }} differs from the installed {{ .spec.storageClassName | default "default class" }}: a journal cannot move by an upgrade
{{- end }}
{{- if ne (first .spec.accessModes) $wanted.accessMode }}
matcher.persistence.accessMode {{ $wanted.accessMode }} differs from the installed {{ first .spec.accessModes }}: a StatefulSet cannot change it
{{- end }}
{{- end }}
{{- end }}
{{- $wanted := dict }}
{{- range .Values.markets }}{{ $_ := set $wanted .symbol . }}{{ end }}
{{- $installed := lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-settings" $name) }}
{{- range (dig "data" "bourse.yaml" "{}" ($installed | default dict) | fromYaml).markets }}
{{- $market := get $wanted .symbol }}
{{- if not $market }}
market {{ .symbol }} of the installed release is gone from values: a market that was made stays listed, its journal holds orders and money
{{- else }}
{{- if ne (int64 .shard) (int64 $market.shard) }}
market {{ .symbol }} is on shard {{ .shard }} and cannot move to shard {{ $market.shard }}: its book and its journal are there
{{- end }}
{{- $old := . }}
{{- range list "tickSize" "lotSize" }}
{{- if ne (include "bourse.atoms" (get $old .)) (include "bourse.atoms" (get $market .)) }}
market {{ $old.symbol }}: {{ . }} is {{ get $old . }} and cannot become {{ get $market . }}: orders in the book lie on the old grid
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A quantity in bytes: the cluster writes 1024Gi as 1Ti. */}}
{{- define "bourse.bytes" -}}
{{- $factors := dict "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "M" 1000000 "G" 1000000000 "T" 1000000000000 "P" 1000000000000000 }}
{{- mul (int64 (regexFind "^[0-9]+" .)) (get $factors (regexFind "[A-Za-z]+$" .) | default 1 | int64) }}
{{- end }}
