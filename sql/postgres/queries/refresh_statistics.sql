/*
 * Purpose:    Bring a view up to date while others read it.
 * Parameters: $1 its name
 * Result:     none
 * Caller:     FigureStore::refresh_statistics
 * Index:      none
 */
SELECT statistics_refresh($1)
