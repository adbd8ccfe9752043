"""How a dossier looks, on screen and on two sheets of A4 or Letter."""

from typing import Final

__all__ = ["STYLE"]

# No quotation marks, ampersands or angle brackets: a page is written as XML, where a style
# would be read otherwise than in HTML.
STYLE: Final = """
@page { size: auto; margin: 11mm 13mm; }
* { box-sizing: border-box; }
html { font: 9pt/1.35 Helvetica, Arial, sans-serif; color: #1a1a1a; background: #ffffff; }
body { margin: 0; }
main { max-width: 190mm; margin: 0 auto; padding: 6mm; }
h1 { font-size: 17pt; line-height: 1.15; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 10.5pt; margin: 0 0 1mm; }
h3 { font-size: 9pt; margin: 1.5mm 0 0.5mm; }
p, ul { margin: 0 0 1mm; }
ul { padding-left: 4mm; }
li { margin-bottom: 0.6mm; }
p, li, td, th { overflow-wrap: anywhere; }
section { margin-bottom: 3.5mm; break-inside: avoid; }
.long { break-inside: auto; }
tr, li { break-inside: avoid; }
.under, .by, .rest, li span { color: #555555; }
.notice { border-left: 1mm solid #b34700; padding-left: 2mm; }
.standing { border: 0.3mm solid #1f5f99; border-radius: 1.5mm; }
.standing { padding: 2.5mm 3mm; margin-top: 3mm; }
.head { margin-bottom: 1mm; }
.group { font-size: 13pt; margin-right: 3mm; }
.tag { border: 0.2mm solid #555555; border-radius: 1mm; white-space: nowrap; }
.tag { padding: 0.2mm 1.2mm; margin-right: 1.5mm; }
.columns { display: grid; grid-template-columns: 1fr 1fr 1.4fr; gap: 4mm; }
.grid { display: grid; grid-template-columns: 1fr 1fr; gap: 3mm 6mm; }
.grid svg, .drawn svg { width: 100%; height: auto; display: block; }
.halves { display: grid; grid-template-columns: 1fr 1fr; gap: 0 6mm; align-items: start; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: normal; }
td, th { padding: 0.35mm 0 0.35mm 2mm; border-bottom: 0.15mm solid #d9d9d9; vertical-align: top; }
td:first-child, th:first-child { padding-left: 0; }
thead th { font-weight: bold; vertical-align: bottom; }
.money { font-variant-numeric: tabular-nums; font-size: 8.5pt; line-height: 1.22; }
.money td, .money th { padding-top: 0.2mm; padding-bottom: 0.2mm; }
.money td, .money thead th { text-align: right; }
.money tbody th, .money td { white-space: nowrap; }
.money .total th, .money .total td { font-weight: bold; border-top: 0.3mm solid #555555; }
.loss { color: #b34700; }
.facts { font-size: 8pt; }
.facts th { width: 39%; }
.facts .by { width: 30%; text-align: right; white-space: nowrap; font-size: 7.5pt; }
@media print {
  main { max-width: none; padding: 0; }
}
@media (max-width: 40em) { .grid, .halves, .columns { grid-template-columns: 1fr; } }
"""
