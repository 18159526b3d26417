# Compares rows by column name: the first file holds the oracle's row, each of the others one of
# pagewalk's. Columns that match the pattern `loose` depend on random draws and are not compared.
# Every row of pagewalk's must also add up by itself.
BEGIN { FS = "," }
function complain(what) { print "  " FILENAME ": " what; bad = 1 }
{ gsub(/"[^"]*"/, "quoted") } # a geometry has commas
FNR == 1 {
  files++
  split("", at)
  for (i = 1; i <= NF; i++) at[$i] = i
}
FNR == 2 && files == 1 { for (name in at) want[name] = $(at[name]) }
FNR == 2 && files > 1 {
  rows++
  for (name in want)
    if (!(name in at))
      complain("no column " name)
    else if (!(loose != "" && name ~ loose) && $(at[name]) "" != want[name] "")
      complain(name " is " $(at[name]) ", oracle " want[name])
  fetches = $(at["fetches"])
  data = $(at["loads"]) + $(at["stores"])
  walks = $(at["walks"])
  passed = ($(at["itlb_entries"]) ? $(at["itlb_misses"]) : fetches) + \
           ($(at["dtlb_entries"]) ? $(at["dtlb_misses"]) : data)
  if ($(at["accesses"]) != fetches + data) complain("accesses are not fetches + loads + stores")
  if ($(at["itlb_misses"]) > fetches || $(at["dtlb_misses"]) > data) complain("more misses than lookups")
  if ($(at["stlb_entries"]) && ($(at["stlb_lookups"]) != passed || $(at["stlb_misses"]) != walks))
    complain("the second level's numbers do not add up")
  if (!$(at["stlb_entries"]) && walks != passed) complain("walks are not the first level's misses")
  if (walks > passed) complain("more walks than first-level misses")
  if ($(at["walk_refs"]) != walks * $(at["levels"])) complain("walk_refs are not walks times levels")
  if (walks < $(at["minor_faults"]) + $(at["major_faults"])) complain("a fault did not walk")
}
END {
  if (rows != ARGC - 2) complain("a row is missing")
  exit bad
}
