{{/* Names of objects: those of the stock chart, where others look for them. */}}

{{- define "cuttle.name" -}}
{{- .Values.nameOverride | default "octopus-agent" | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "cuttle.full" -}}
{{- printf "%s-%s" (include "cuttle.name" .) .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The stock chart's deployment is <name>-tentacle and has another, immutable
     selector: with a name of its own, this one can take its place. */}}
{{- define "cuttle.deployment" -}}
{{- printf "%s-worker" (include "cuttle.name" . | trunc 56 | trimSuffix "-") -}}
{{- end }}

{{- define "cuttle.serviceAccount" -}}
{{- .Values.agent.serviceAccount.name | default (printf "%s-tentacle" (include "cuttle.name" .)) -}}
{{- end }}

{{- define "cuttle.scripts.serviceAccount" -}}
{{- .Values.scriptPods.serviceAccount.name | default (printf "%s-scripts" (include "cuttle.name" .)) -}}
{{- end }}

{{- define "cuttle.scripts.full" -}}
{{- printf "%s-scripts-%s" (include "cuttle.name" .) .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "cuttle.claim" -}}
{{- .Values.cuttle.persistence.existingClaim | default (printf "%s-pvc" (include "cuttle.full" .) | lower | trunc 63 | trimSuffix "-") -}}
{{- end }}

{{- define "cuttle.image" -}}
{{- $image := .Values.agent.image -}}
{{- $image.repository }}:{{ include "cuttle.text" ($image.tag | default .Chart.AppVersion) }}{{ with $image.tagSuffix }}-{{ . }}{{ end -}}
{{- end }}

{{- define "cuttle.selector" -}}
app.kubernetes.io/name: {{ include "cuttle.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
agent.octopus.com/component: tentacle
agent.octopus.com/implementation: cuttle
{{- end }}

{{- define "cuttle.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "cuttle.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
