{{/* Security contexts by cuttle.podSecurity. The user's own keys win; one that
     runs as root is not held to runAsNonRoot. */}}

{{- define "cuttle.security.restricted" -}}
runAsNonRoot: true
{{- if eq .Values.cuttle.podSecurity "restricted" }}
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "cuttle.security.merged" -}}
{{- $result := mergeOverwrite (deepCopy .base) .own -}}
{{- if and (eq (toString (get .own "runAsUser")) "0") (not (hasKey .own "runAsNonRoot")) -}}
{{- $_ := unset $result "runAsNonRoot" -}}
{{- end -}}
{{- toYaml $result -}}
{{- end }}

{{- define "cuttle.worker.podSecurity" -}}
{{- $base := dict "runAsUser" 0 "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- if ne .Values.cuttle.podSecurity "stock" -}}
{{- $base = include "cuttle.security.restricted" . | fromYaml -}}
{{- end -}}
{{- /* (a field of containers, which people put here for the stock chart) */ -}}
{{- $own := omit .Values.agent.securityContext "readOnlyRootFilesystem" -}}
{{- include "cuttle.security.merged" (dict "base" $base "own" $own) -}}
{{- end }}

{{- define "cuttle.worker.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- if eq .Values.cuttle.podSecurity "stock" }}
  # What scripts leave behind may belong to any user.
  add: [CHOWN, DAC_OVERRIDE, FOWNER]
  {{- end }}
{{- end }}

{{- define "cuttle.scripts.isRestricted" -}}
{{- if and (ne .Values.cuttle.podSecurity "stock") (ne (toString (get .Values.scriptPods.securityContext "runAsUser")) "0") -}}yes{{- end -}}
{{- end }}

{{/* JSON, or nothing. */}}
{{- define "cuttle.scripts.podSecurity" -}}
{{- $base := dict -}}
{{- if ne .Values.cuttle.podSecurity "stock" -}}
{{- $base = include "cuttle.security.restricted" . | fromYaml -}}
{{- end -}}
{{- $merged := include "cuttle.security.merged" (dict "base" $base "own" .Values.scriptPods.securityContext) | fromYaml -}}
{{- with $merged }}{{ toJson . }}{{ end -}}
{{- end }}

{{- define "cuttle.scripts.containerSecurity" -}}
{{- if .Values.cuttle.scriptPods.containerSecurityContext -}}
{{- toJson .Values.cuttle.scriptPods.containerSecurityContext -}}
{{- else if include "cuttle.scripts.isRestricted" . -}}
{{- toJson (dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL"))) -}}
{{- end -}}
{{- end }}
