"""The style sheet of the pages: tokens first, logical properties only, dark and print by media query."""

STYLE = """
:root{--bg:#F4F6F6;--surface:#FFF;--sunk:#EDF0F1;--line:#D9DFE1;--edge:#7A868D;--ink:#17212A;--ink2:#43505A;
--ink3:#5C6973;--accent:#0B5C6E;--band50:#8FC1CB;--band90:#CFE5E9;--grey:#848F97;--info:#2B5BA8;--ok:#1E6B3C;
--caution:#8A4B00;--stop:#B3221B;--info-g:#E8EFF9;--ok-g:#E6F2EA;--caution-g:#FBF0DD;--stop-g:#FBE9E7}
@media (prefers-color-scheme:dark){:root{--bg:#0F1518;--surface:#171F23;--sunk:#1F292E;--line:#2E3A40;--edge:#78868E;
--ink:#E9EEF0;--ink2:#B8C3C9;--ink3:#98A5AD;--accent:#6CC7D6;--band50:#2F7683;--band90:#1D434B;--grey:#7F8B92;
--info:#8FB6F2;--ok:#7FCB9B;--caution:#F0B967;--stop:#FF938A;--info-g:#1B2A42;--ok-g:#16301F;--caution-g:#38290F;
--stop-g:#431C19}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/24px Inter,system-ui,sans-serif;
font-variant-numeric:tabular-nums}
header{position:sticky;inset-block-start:0;display:flex;flex-wrap:wrap;gap:4px 24px;padding:12px 24px;
background:var(--surface);border-block-end:1px solid var(--line)}
main,footer{max-inline-size:1160px;margin-inline:auto;padding:24px}
h1{font-size:28px;line-height:36px;margin:0 0 16px}h2{font-size:20px;line-height:28px;margin:24px 0 8px}
h3{font-size:16px;margin:0 0 8px}h4{font-size:14px;margin:16px 0 4px;color:var(--ink2)}
p{margin:8px 0}ul{margin:4px 0;padding-inline-start:20px}
article,.card{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:16px}
.options{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;align-items:start}
.tag{display:inline-block;padding:0 8px;border-radius:6px;font-weight:600;white-space:nowrap}
.ok{color:var(--ok);background:var(--ok-g)}.caution{color:var(--caution);background:var(--caution-g)}
.info{color:var(--info);background:var(--info-g)}.stop{color:var(--stop);background:var(--stop-g)}
.box{padding:12px 16px;border-radius:8px}
.big{font-size:28px;line-height:36px;font-weight:600}
.quiet{color:var(--ink3);font-size:14px;line-height:20px;overflow-wrap:anywhere}
.gap{border:1px dashed var(--edge);border-radius:6px;padding:4px 8px}
.gaps{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:8px}
.findings{list-style:none;padding:0}.findings>li{padding:8px 0;border-block-start:1px solid var(--line)}
table{border-collapse:collapse;inline-size:100%}caption{text-align:start;color:var(--ink3);font-size:14px}
th,td{text-align:start;vertical-align:top;padding:4px 12px 4px 0;border-block-start:1px solid var(--line)}
.wide{overflow-x:auto}.wide td{white-space:nowrap}
details{margin-block:4px}summary{cursor:pointer;color:var(--accent);min-block-size:24px}
summary:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
footer{color:var(--ink3);font-size:14px}
.chart{inline-size:100%}.chart text{fill:var(--ink2);font-size:13px}.chart .band90{fill:var(--band90)}
.chart .band50{fill:var(--band50)}.chart line{stroke:var(--line)}
.chart .axis,.chart .tick,.chart .now,.chart .error{stroke:var(--edge)}
.chart polyline{fill:none;stroke:var(--grey);stroke-width:1.5}
.chart polyline.median{stroke:var(--accent);stroke-width:2}
.chart polyline.expected{stroke:var(--ink2);stroke-dasharray:7 5}
.chart polygon.expected{fill:var(--grey);fill-opacity:.12;stroke:var(--ink2);stroke-dasharray:1 4}
.chart .dot{fill:var(--ink);stroke:var(--surface);stroke-width:2}.chart .mark,.chart .planned{stroke-dasharray:3 3}
@media print{body{background:#fff}header{position:static}article{break-inside:avoid}details{display:block}}
"""
