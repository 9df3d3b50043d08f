// What all parts of the page have in common to look at.
//
// Colours are the custom properties of index.html.

import { css } from "lit";

export const look = css`
  * {
    box-sizing: border-box;
  }
  :host {
    display: block;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  [hidden] {
    display: none !important;
  }
  h2 {
    font-size: 1.05rem;
    margin: 0;
  }
  h3 {
    font-size: 1rem;
    margin: 0;
  }
  ol,
  ul {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  .soft {
    color: var(--soft);
    font-size: 0.875rem;
  }
  .bad {
    color: var(--bad);
  }
  .good {
    color: var(--good);
  }
  .card {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 0.6rem;
    padding: 0.8rem 0.9rem;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0.25rem 1rem;
    margin-bottom: 0.5rem;
  }
  .empty {
    margin: 0.25rem 0 0;
  }
  .failure {
    margin: 0 0 0.5rem;
  }
  button,
  input,
  select {
    font: inherit;
    color: inherit;
    background: var(--back);
    border: 1px solid var(--soft);
    border-radius: 0.4rem;
    padding: 0.2rem 0.7rem;
    min-height: 2.2rem;
  }
  button,
  select,
  summary {
    cursor: pointer;
  }
  meter {
    display: block;
    width: 100%;
    height: 0.5rem;
    margin-top: 0.35rem;
    border: 0;
    border-radius: 0.25rem;
    background: var(--line);
  }
  meter::-webkit-meter-bar {
    background: var(--line);
    border: 0;
    border-radius: 0.25rem;
    height: 0.5rem;
  }
  meter::-webkit-meter-optimum-value {
    background: var(--accent);
    border-radius: 0.25rem;
  }
  meter::-moz-meter-bar {
    background: var(--accent);
    border-radius: 0.25rem;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  .scroll {
    overflow: auto;
    overscroll-behavior: auto;
  }
  .scroll:focus-visible {
    outline-offset: -3px;
  }
`;
