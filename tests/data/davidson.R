# Davidson's model by R's BradleyTerry2 and gnm, as an outside rater: Rscript davidson.R RESULTS.csv
# RESULTS.csv: columns first, second, result (the first player's score: 1, 0.5, 0). Prints "name value" lines in log odds;
# home.adv is what moving first is worth. Debian: r-cran-bradleyterry2, r-cran-gnm.
suppressPackageStartupMessages({library(gnm); library(BradleyTerry2)})
games <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = FALSE)
names <- sort(unique(c(games$first, games$second)))
games$match <- factor(seq_len(nrow(games)))
games$result <- factor(games$result, levels = c(0, 0.5, 1))
outcomes <- expandCategorical(games, "result", idvar = "match")
outcomes$first <- factor(outcomes$first, names)
outcomes$second <- factor(outcomes$second, names)
outcomes$home <- TRUE
outcomes$away <- FALSE
fit <- gnm(count ~ GenDavidson(result == 1, result == 0.5, result == 0, first, second,
                               home.adv = ~1, at.home1 = home, at.home2 = away),
           eliminate = match, family = poisson, data = outcomes, verbose = FALSE)
found <- coef(fit)
write.table(data.frame(names(found), found), quote = FALSE, row.names = FALSE, col.names = FALSE)
