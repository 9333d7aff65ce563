{{/* The labels by which everything of a release is found; what is of one node adds it. */}}
{{- define "meter-pki.selector" -}}
app.kubernetes.io/name: meter-pki
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "meter-pki.labels" -}}
{{ include "meter-pki.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The image by its digest, where there is one. */}}
{{- define "meter-pki.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The configuration of one node: `.top` is the release, `.node` its name. */}}
{{- define "meter-pki.configuration" -}}
{{- tpl .top.Values.configuration (dict "node" .node "Template" .top.Template) -}}
{{- end }}
