/** The style sheet of the page. */
export const PAGE_STYLE = `
:root { color-scheme: light; }
body { margin: 0; background: #f5f7fa; color: #1f2933; font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 920px; margin: 0 auto; padding: 28px 32px 64px; background: #fff; }
h1 { font-size: 26px; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 36px 0 10px; }
.lead { font-size: 16px; }
.formula { font: 18px/1.6 Georgia, serif; text-align: center; }
figure { margin: 16px 0; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: #52606d; font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 14px 5px 0; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #9aa5b1; font-weight: 600; }
td { border-bottom: 1px solid #e4e7eb; }
.range { color: #52606d; font-size: 13px; white-space: nowrap; }
td .range { display: block; }
`;
