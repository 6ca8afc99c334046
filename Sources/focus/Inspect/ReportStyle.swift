/// How a report's page looks: light or dark as the reader's system is, one column on a telephone.
enum ReportStyle {
  static let css: Markup = """
    :root {
      color-scheme: light dark;
      --text: #1d1d22; --soft: #5c5c66; --page: #fbfbfc; --card: #ffffff; --line: #dcdce3; --bar: #21918c;
    }
    @media (prefers-color-scheme: dark) {
      :root { --text: #ececf0; --soft: #a7a7b3; --page: #141418; --card: #1d1d23; --line: #363640; --bar: #28ae80; }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 1180px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
    h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
    h1, blockquote { white-space: pre-wrap; overflow-wrap: anywhere; }
    p { margin: .25rem 0 .75rem; max-width: 75ch; }
    blockquote {
      margin: 1rem 0 .5rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-left: 4px solid var(--bar); border-radius: 6px; font-size: 1.1rem;
    }
    .soft, figcaption, caption, dt { color: var(--soft); font-size: .9rem; }
    .top { display: grid; gap: 1.5rem 2.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
    .figures { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
    .layers { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); }
    figure { margin: 0; }
    figure img {
      display: block; width: 100%; height: auto; max-height: 80vh; object-fit: contain; background: #101014;
      border-radius: 4px;
    }
    .top img { width: auto; max-width: 100%; max-height: 26rem; }
    .small img { max-width: 320px; }
    figcaption { margin-top: .4rem; }
    figcaption strong { color: var(--text); }
    .layers figure { padding: 4px; border: 2px solid transparent; border-radius: 8px; }
    .layers .chosen { border-color: var(--bar); }
    .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: .3rem 0 0; padding: 0; }
    .swatch {
      display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em;
      border: 1px solid var(--line); border-radius: 3px;
    }
    .ramp { display: inline-block; width: 7em; height: .8em; margin: 0 .5em; vertical-align: -.05em; border-radius: 3px; }
    table { border-collapse: collapse; width: 100%; max-width: 760px; }
    caption { text-align: left; padding-bottom: .4rem; }
    th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
    td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    td.share { width: 40%; }
    .bar { height: .8em; min-width: 2px; background: var(--bar); border-radius: 3px; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0; }
    dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 560px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
    """
}
