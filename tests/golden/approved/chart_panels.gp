$s0 <<END
0.2 80 79 81
0.5 86 85.5 86.5
1 88 87.9 88.1
END
$s1 <<END
0.2 80
1.05 88
END
$s2 <<END
1 88.5
END
$s3 <<END
0.33 84
END
$s4 <<END
0.2 80 79 81
0.5 86 85.5 86.5
1 88 87.9 88.1
END
$s5 <<END
0.2 80
1.05 88
END
$s6 <<END
1 88.5
END
$s7 <<END
0.33 84
END
$s8 <<END
0.2 80 79 81
0.5 86 85.5 86.5
1 88 87.9 88.1
END
$s9 <<END
0.2 80
1.05 88
END
$s10 <<END
1 88.5
END
$s11 <<END
0.33 84
END
$s12 <<END
0.2 80 79 81
0.5 86 85.5 86.5
1 88 87.9 88.1
END
$s13 <<END
0.2 80
1.05 88
END
$s14 <<END
1 88.5
END
$s15 <<END
0.33 84
END
$l0 <<END
-1 -1
END
$l1 <<END
-1 -1
END
$l2 <<END
-1 -1
END
set terminal svg size 1128,780 noenhanced font 'Helvetica,14' background '#FFFFFF'
set output 'c.svg'
set encoding utf8
set border 3 linewidth 1 linecolor '#444444'
set tics out scale 0.6 textcolor '#222222'
set format '%g'
set grid linetype 1 linewidth 0.5 linecolor '#E3E3E3'
set multiplot
set label 'it''s `date` "quoted" a_b^c' at screen 0.06560283687943262, screen 0.9666666666666667 left font ',16' textcolor '#222222'
set label 'n = 3' at screen 0.06560283687943262, screen 0.9384615384615385 left font ',12' textcolor '#666666'
set label 'cost' at screen 0.523936170212766, screen 0.05641025641025643 center font ',14' textcolor '#000000'
set label 'accuracy in %' at screen 0.015957446808510637, screen 0.4987179487179487 center rotate font ',14' textcolor '#000000'
set xrange [0.166:1.084]
set yrange [78.62:88.88]
set xtics 0.25 nomirror
set ytics 2 nomirror
set arrow from first 0.25, graph 0 to first 0.25, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.5, graph 0 to first 0.5, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.75, graph 0 to first 0.75, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 1, graph 0 to first 1, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
unset key
set lmargin at screen 0.06560283687943262
set rmargin at screen 0.35815602836879434
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'disjoint' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y '%g'
plot $s0 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s0 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s1 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s1 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s2 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s3 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.3776595744680851
set rmargin at screen 0.6702127659574468
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'joint' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y ''
plot $s4 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s4 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s5 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s5 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s6 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s7 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.6897163120567376
set rmargin at screen 0.9822695035460993
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'mixed' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y ''
plot $s8 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s8 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s9 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s9 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s10 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s11 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.06560283687943262
set rmargin at screen 0.35815602836879434
set tmargin at screen 0.45641025641025645
set bmargin at screen 0.11025641025641031
set label 'it''s' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y '%g'
plot $s12 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s12 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s13 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s13 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s14 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s15 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
unset border
unset tics
unset arrow
unset grid
set xrange [0:1]
set yrange [0:1]
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 0.03076923076923077
set bmargin at screen 0
set key at screen 0.5, screen 0 center bottom horizontal maxcols 6 Left reverse samplen 2 spacing 1.2 width 1 height 0.3
plot $l0 using 1:2 with lines linecolor '#0072B2' linewidth 2 title 'mixed', \
     $l1 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' title 'plain', \
     $l2 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' title 'rival'
unset multiplot
reset
set terminal pngcairo size 2256,1560 noenhanced font 'Helvetica,14' background '#FFFFFF' fontscale 1.5 linewidth 2 pointscale 2.6
set output 'c.png'
set encoding utf8
set border 3 linewidth 1 linecolor '#444444'
set tics out scale 0.6 textcolor '#222222'
set format '%g'
set grid linetype 1 linewidth 0.5 linecolor '#E3E3E3'
set multiplot
set label 'it''s `date` "quoted" a_b^c' at screen 0.06560283687943262, screen 0.9666666666666667 left font ',16' textcolor '#222222'
set label 'n = 3' at screen 0.06560283687943262, screen 0.9384615384615385 left font ',12' textcolor '#666666'
set label 'cost' at screen 0.523936170212766, screen 0.05641025641025643 center font ',14' textcolor '#000000'
set label 'accuracy in %' at screen 0.015957446808510637, screen 0.4987179487179487 center rotate font ',14' textcolor '#000000'
set xrange [0.166:1.084]
set yrange [78.62:88.88]
set xtics 0.25 nomirror
set ytics 2 nomirror
set arrow from first 0.25, graph 0 to first 0.25, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.5, graph 0 to first 0.5, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 0.75, graph 0 to first 0.75, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
set arrow from first 1, graph 0 to first 1, graph 1 nohead back dashtype (12,8) linewidth 1 linecolor '#8A8A8A'
unset key
set lmargin at screen 0.06560283687943262
set rmargin at screen 0.35815602836879434
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'disjoint' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y '%g'
plot $s0 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s0 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s1 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s1 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s2 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s3 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.3776595744680851
set rmargin at screen 0.6702127659574468
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'joint' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y ''
plot $s4 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s4 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s5 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s5 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s6 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s7 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.6897163120567376
set rmargin at screen 0.9822695035460993
set tmargin at screen 0.8871794871794871
set bmargin at screen 0.5410256410256411
set label 'mixed' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y ''
plot $s8 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s8 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s9 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s9 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s10 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s11 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
set lmargin at screen 0.06560283687943262
set rmargin at screen 0.35815602836879434
set tmargin at screen 0.45641025641025645
set bmargin at screen 0.11025641025641031
set label 'it''s' at graph 0, graph 1 offset 0, 0.7 left font ',14' textcolor '#222222'
set format y '%g'
plot $s12 using 1:3:4 with filledcurves fillcolor '#0072B2' fill transparent solid 0.18 noborder notitle, \
     $s12 using 1:2 with lines linecolor '#0072B2' linewidth 2 notitle, \
     $s13 using 1:2 with points pointtype 7 pointsize 1.05 linecolor '#FFFFFF' notitle, \
     $s13 using 1:2 with points pointtype 7 pointsize 0.8 linecolor '#0072B2' notitle, \
     $s14 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' notitle, \
     $s15 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' notitle
unset label
unset border
unset tics
unset arrow
unset grid
set xrange [0:1]
set yrange [0:1]
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 0.03076923076923077
set bmargin at screen 0
set key at screen 0.5, screen 0 center bottom horizontal maxcols 6 Left reverse samplen 2 spacing 1.2 width 1 height 0.3
plot $l0 using 1:2 with lines linecolor '#0072B2' linewidth 2 title 'mixed', \
     $l1 using 1:2 with points pointtype 2 pointsize 1.3 linewidth 2.5 linecolor '#000000' title 'plain', \
     $l2 using 1:2 with points pointtype 1 pointsize 1.3 linewidth 2.5 linecolor '#CC79A7' title 'rival'
unset multiplot
reset
set output
