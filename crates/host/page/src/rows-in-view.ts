// Which rows of a long list to have in the document: those in view and some around them.

/** Rows beyond each edge, so that quick scrolling does not show gaps. */
const BEYOND = 10;

/** Rows from `first` up to, but not with, `end`. */
export interface Range {
  first: number;
  end: number;
}

/** All lengths in pixels; every row is `rowHeight` high. */
export function rowsInView(scrolled: number, viewHeight: number, rowHeight: number, rows: number): Range {
  const first = Math.floor(scrolled / rowHeight) - BEYOND;
  const end = Math.ceil((scrolled + viewHeight) / rowHeight) + BEYOND;
  const within = (row: number) => Math.min(Math.max(row, 0), rows);
  return { first: within(first), end: within(end) };
}
