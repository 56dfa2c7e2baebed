{{- define "stock.labels" }}
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
    app.kubernetes.io/name: octopus-agent
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* dict "kind" … "name" … "root" $: the beginning of an object. */}}
{{- define "stock.object" }}
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- if not (hasPrefix "Cluster" .kind) }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  labels: {{- include "stock.labels" .root }}
{{- end }}

{{- /* dict "name" … "rules" … "kind" Role|ClusterRole "account" … "binding" … */}}
{{- define "stock.role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
{{- include "stock.object" . }}
rules: {{- toYaml .rules | nindent 2 }}
{{- if .binding }}
---
apiVersion: rbac.authorization.k8s.io/v1
{{- include "stock.object" (dict "kind" (printf "%sBinding" .kind) "name" .binding "root" .root) }}
subjects:
  - {kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ .kind }}, name: {{ .name }}}
{{- end }}
{{- end }}
