{{- /*
The pod of every process, the preflight and the smoke test: security, settings, certificates and the values that
each may set are alike for all.

  root, component     as everywhere
  config              values of the component over those of pods
  args                arguments of the image: which process it is
  settings            name of the ConfigMap with bourse.yaml; absent: none is mounted
  checksum            hash of the settings that need a restart
  env                 environment besides extraEnv, as YAML
  secrets             true: mounts certificates and token keys
  serves              doors, see bourse.components
  probes              true: answers gRPC health
  dataVolume          true: mounts the volume "data"
  serviceAccountName, restartPolicy
*/}}
{{- define "bourse.pod" -}}
{{- $values := .root.Values }}
{{- $config := .config }}
{{- $tls := and .secrets (ne $values.mtls.mode "plaintext") }}
{{- $jwks := and .secrets (include "bourse.jwksMounted" .) }}
metadata:
  labels: {{- include "bourse.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/part-of: bourse
    {{- with merge (dict) ($config.podLabels | default dict) $values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .component }}
    {{- with .checksum }}
    checksum/settings: {{ . }}
    {{- end }}
    {{- with $config.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ .serviceAccountName | default (include "bourse.serviceAccountName" .root) }}
  # Nothing here talks to the Kubernetes API.
  automountServiceAccountToken: false
  # Kubernetes would put the address of every service into the environment, under names that begin with BOURSE_.
  enableServiceLinks: false
  {{- with $values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with $config.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $config.terminationGracePeriodSeconds }}
  terminationGracePeriodSeconds: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    fsGroupChangePolicy: OnRootMismatch # a journal of many files is not walked on every start
    seccompProfile: { type: RuntimeDefault }
  {{- with $config.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $config.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .probes }}
  # Preferred, not required: on one node everything still runs.
  affinity:
    {{- with $config.affinity }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector: { matchLabels: {{ include "bourse.selectorLabels" . | fromYaml | toJson }} }
    {{- end }}
  topologySpreadConstraints:
    {{- with $config.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "bourse.selectorLabels" . | fromYaml | toJson }} }
    {{- end }}
  {{- else }}
  {{- with $config.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $config.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "bourse.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      {{- with $config.command }}
      command: {{- toYaml . | nindent 8 }}
      {{- end }}
      args: {{- toYaml .args | nindent 8 }}
      env:
        {{- if .settings }}
        - { name: BOURSE_CONFIG, value: /etc/bourse/bourse.yaml }
        {{- end }}
        {{- with $config.nodeOptions }}
        - { name: NODE_OPTIONS, value: {{ quote . }} }
        {{- end }}
        {{- with .env }}
        {{- . | trim | nindent 8 }}
        {{- end }}
        {{- with $config.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $config.extraEnvFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .probes }}
      ports:
        {{- if has "grpc" .serves }}
        - { name: grpc, containerPort: 50051 }
        {{- end }}
        {{- if has "http" .serves }}
        - { name: http, containerPort: 8080 }
        {{- end }}
        {{- if has "rest" .serves }}
        - { name: rest, containerPort: 8082 }
        {{- end }}
        - { name: admin, containerPort: 9090 }
        - { name: health, containerPort: 9091 }
      # Probes speak no TLS, so health has a plaintext port of its own. "live" says that the process runs, and
      # nothing more: a slow database must not restart whoever waits for it.
      startupProbe:
        grpc: { port: 9091, service: live }
        periodSeconds: 1
        timeoutSeconds: 1
        failureThreshold: {{ int64 $config.startupSecondsMax }}
      readinessProbe:
        grpc: { port: 9091 }
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 2
      livenessProbe:
        grpc: { port: 9091, service: live }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- end }}
      {{- with $config.preStopSleepSeconds }}
      # Serves on while load balancers learn that it goes.
      lifecycle: { preStop: { sleep: { seconds: {{ . }} } } }
      {{- end }}
      # The last line of its log says why a process ended; kubectl describe shows it.
      terminationMessagePolicy: FallbackToLogsOnError
      securityContext:
        allowPrivilegeEscalation: false
        capabilities: { drop: [ALL] }
        readOnlyRootFilesystem: true
        runAsNonRoot: true
      resources: {{- toYaml $config.resources | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- if .settings }}
        - { name: settings, mountPath: /etc/bourse, readOnly: true }
        {{- end }}
        {{- if .dataVolume }}
        - { name: data, mountPath: /var/lib/bourse }
        {{- end }}
        {{- with $config.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $config.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
    {{- if .settings }}
    # Mounted as a folder, not file by file, so that new markets and renewed certificates reach a running process.
    - name: settings
      projected:
        defaultMode: 0440
        sources:
          - configMap: { name: {{ .settings }}, items: [{ key: bourse.yaml, path: bourse.yaml }] }
          {{- if $tls }}
          - secret:
              name: {{ include "bourse.tlsSecretName" . }}
              items:
                - { key: tls.crt, path: tls/tls.crt }
                - { key: tls.key, path: tls/tls.key }
                - { key: ca.crt, path: tls/ca.crt }
          {{- end }}
          {{- if $jwks }}
          - secret:
              name: {{ $values.auth.existingSecret }}
              items: [{ key: {{ $values.auth.key }}, path: jwks/jwks.json }]
          {{- end }}
    {{- end }}
    {{- with $config.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
