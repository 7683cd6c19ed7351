/*
 * Purpose:    Count events and authors by kind.
 * Parameters: none
 * Result:     kind, events, authors, lowest kind first
 * Caller:     FigureStore::kind_figures
 * Index:      none: reads kind_counter whole, a row a kind
 */
SELECT c.kind, c.events, c.authors FROM kind_counter AS c ORDER BY c.kind
