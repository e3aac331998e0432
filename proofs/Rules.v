(** * Rules of differentiation over the real numbers

    [is_derive f x l] is Coquelicot's: f is differentiable at x, with derivative l.
    Each theorem holds at EVERY real x of the domain that it states.  The real
    numbers are those of Coq's standard library, which rest on its axioms. *)

Require Import Reals Lra Psatz.
Set Warnings "-ambiguous-paths".   (* Coquelicot's own *)
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Lemma is_derive_as : forall (f : R -> R) (x a b : R), is_derive f x a -> a = b -> is_derive f x b.
Proof. intros f x a b H <-. exact H. Qed.

(** ** Combining rules *)

(** Chain rule: (f o g)' = f'(g) g'. *)
Theorem composition_rule : forall (f g : R -> R) (x a b : R),
  is_derive f (g x) a -> is_derive g x b -> is_derive (fun t => f (g t)) x (a * b).
Proof.
  intros f g x a b Hf Hg. eapply is_derive_as; [apply is_derive_comp; eassumption|].
  apply Rmult_comm.
Qed.

(** (f + g)' = f' + g'. *)
Theorem sum_rule : forall (f g : R -> R) (x a b : R),
  is_derive f x a -> is_derive g x b -> is_derive (fun t => f t + g t) x (a + b).
Proof. intros f g x a b Hf Hg. exact (is_derive_plus f g x a b Hf Hg). Qed.

(** (f g)' = f' g + f g'. *)
Theorem product_rule : forall (f g : R -> R) (x a b : R),
  is_derive f x a -> is_derive g x b -> is_derive (fun t => f t * g t) x (a * g x + f x * b).
Proof.
  intros f g x a b Hf Hg. exact (is_derive_mult f g x a b Hf Hg Rmult_comm).
Qed.

(** (f / g)' = (f' g - f g') / g^2, where g is not 0. *)
Theorem quotient_rule : forall (f g : R -> R) (x a b : R),
  is_derive f x a -> is_derive g x b -> g x <> 0 ->
  is_derive (fun t => f t / g t) x ((a * g x - f x * b) / g x ^ 2).
Proof. intros. apply is_derive_div; assumption. Qed.

(** ** Elementary functions *)

(** (x^n)' = n x^(n-1), for every natural n and real x. *)
Theorem natural_power_rule : forall n x, is_derive (fun t => t ^ n) x (INR n * x ^ pred n).
Proof. intros. auto_derive; [exact I | ring]. Qed.

(** (1/x)' = -1/x^2, where x is not 0. *)
Theorem reciprocal_rule : forall x, x <> 0 -> is_derive (fun t => / t) x (- (/ x) ^ 2).
Proof. intros. auto_derive; [assumption | now field]. Qed.

(** (x^y)' = y x^(y-1) in x, where x is positive. *)
Theorem power_rule_base : forall x y, 0 < x ->
  is_derive (fun t => Rpower t y) x (y * Rpower x (y - 1)).
Proof.
  intros x y Hx. unfold Rpower. auto_derive; [assumption|].
  replace ((y - 1) * ln x) with (y * ln x + - ln x) by ring.
  rewrite exp_plus, exp_Ropp, exp_ln by assumption. field. lra.
Qed.

(** (x^y)' = x^y ln x in y, where x is positive. *)
Theorem power_rule_exponent : forall x y, 0 < x ->
  is_derive (fun t => Rpower x t) y (Rpower x y * ln x).
Proof. intros x y Hx. unfold Rpower. auto_derive; [exact I | ring]. Qed.

(** exp' = exp. *)
Theorem exp_rule : forall x, is_derive exp x (exp x).
Proof. intros. apply is_derive_exp. Qed.

(** ln' x = 1/x, where x is positive. *)
Theorem log_rule : forall x, 0 < x -> is_derive ln x (/ x).
Proof. intros. now apply is_derive_ln. Qed.

(** sqrt' x = 1 / (2 sqrt x), where x is positive. *)
Theorem sqrt_rule : forall x, 0 < x -> is_derive sqrt x (/ (2 * sqrt x)).
Proof.
  intros x Hx. pose proof (sqrt_lt_R0 x Hx). auto_derive; [assumption | field; lra].
Qed.

(** sin' = cos. *)
Theorem sin_rule : forall x, is_derive sin x (cos x).
Proof. intros. apply is_derive_sin. Qed.

(** cos' = - sin. *)
Theorem cos_rule : forall x, is_derive cos x (- sin x).
Proof. intros. apply is_derive_cos. Qed.

(** ** Activations *)

Definition sigmoid (x : R) := / (1 + exp (- x)).

Lemma one_plus_exp_pos : forall x, 0 < 1 + exp x.
Proof. intro x. pose proof (exp_pos x). lra. Qed.

(** sigmoid' = sigmoid (1 - sigmoid). *)
Theorem sigmoid_rule : forall x, is_derive sigmoid x (sigmoid x * (1 - sigmoid x)).
Proof.
  intro x. unfold sigmoid. pose proof (one_plus_exp_pos (- x)).
  auto_derive; [lra | field; lra].
Qed.

(** 0 < sigmoid' <= 1/4 everywhere. *)
Theorem sigmoid_slope_bounds : forall x, 0 < sigmoid x * (1 - sigmoid x) <= / 4.
Proof.
  intro x. pose proof (exp_pos (- x)) as He.
  assert (H : 0 < sigmoid x < 1).
  { unfold sigmoid. split; [apply Rinv_0_lt_compat; lra|].
    rewrite <- Rinv_1. apply Rinv_lt_contravar; lra. }
  split; [apply Rmult_lt_0_compat; lra|].
  pose proof (pow2_ge_0 (sigmoid x - / 2)). simpl in *. lra.
Qed.

Definition hyperbolic_tangent (x : R) := (exp x - exp (- x)) / (exp x + exp (- x)).

(** tanh' = 1 - tanh^2. *)
Theorem tanh_rule : forall x,
  is_derive hyperbolic_tangent x (1 - hyperbolic_tangent x * hyperbolic_tangent x).
Proof.
  intro x. unfold hyperbolic_tangent. pose proof (exp_pos x). pose proof (exp_pos (- x)).
  auto_derive; [lra | field; lra].
Qed.

Definition softplus (x : R) := ln (1 + exp x).

(** softplus' = sigmoid. *)
Theorem softplus_rule : forall x, is_derive softplus x (sigmoid x).
Proof.
  intro x. unfold softplus, sigmoid. pose proof (one_plus_exp_pos x). pose proof (exp_pos x).
  auto_derive; [lra|]. rewrite exp_Ropp. field. repeat split; lra.
Qed.

(** The form that does not overflow is the same function. *)
Theorem softplus_branches_agree : forall x, softplus x = x + ln (1 + exp (- x)).
Proof.
  intro x. unfold softplus. pose proof (one_plus_exp_pos (- x)). pose proof (exp_pos x).
  replace (1 + exp x) with (exp x * (1 + exp (- x))).
  - rewrite ln_mult, ln_exp by assumption. reflexivity.
  - rewrite exp_Ropp. field. lra.
Qed.

Definition silu (x : R) := x * sigmoid x.

(** silu' = sigmoid (1 + x (1 - sigmoid)). *)
Theorem silu_rule : forall x, is_derive silu x (sigmoid x * (1 + x * (1 - sigmoid x))).
Proof.
  intro x. unfold silu, sigmoid. pose proof (one_plus_exp_pos (- x)).
  auto_derive; [lra | field; lra].
Qed.

Definition erf (x : R) := 2 / sqrt PI * RInt (fun t => exp (- t ^ 2)) 0 x.

(** erf' x = 2 / sqrt pi exp(-x^2), by the fundamental theorem of calculus. *)
Theorem erf_rule : forall x, is_derive erf x (2 / sqrt PI * exp (- x ^ 2)).
Proof.
  intro x. unfold erf. apply (is_derive_scal (fun y => RInt (fun t => exp (- t ^ 2)) 0 y)).
  assert (C : forall y, continuous (fun t => exp (- t ^ 2)) y).
  { intro y. apply (ex_derive_continuous (fun t => exp (- t ^ 2))). now auto_derive. }
  apply (is_derive_RInt (fun t => exp (- t ^ 2)) _ 0).
  - apply filter_forall. intro b. apply (RInt_correct (V := R_CompleteNormedModule)).
    apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros; apply C.
  - apply C.
Qed.

(** The distribution function of the standard normal law, in the form in which
    gelu uses it, and its density.  (That [normal_distribution] tends to 0 and 1
    is the Gaussian integral; it is not proved here and no rule needs it.) *)
Definition normal_distribution (x : R) := (1 - erf (x / - sqrt 2)) / 2.
Definition normal_density (x : R) := exp (- x ^ 2 / 2) / sqrt (2 * PI).
Definition gelu (x : R) := x * normal_distribution x.

(** Phi' = phi. *)
Theorem normal_distribution_rule : forall x,
  is_derive normal_distribution x (normal_density x).
Proof.
  intro x. unfold normal_distribution, normal_density.
  assert (S2 : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  assert (SP : 0 < sqrt PI) by (apply sqrt_lt_R0, PI_RGT_0).
  assert (H : is_derive (fun t => erf (t / - sqrt 2)) x
                (2 / sqrt PI * exp (- (x / - sqrt 2) ^ 2) * / - sqrt 2)).
  { apply composition_rule; [apply erf_rule|]. auto_derive; [exact I | field; lra]. }
  apply (is_derive_ext (fun t => / 2 * (1 - erf (t / - sqrt 2)))); [intro; simpl; field|].
  eapply is_derive_as.
  - apply (is_derive_scal (fun t => 1 - erf (t / - sqrt 2))).
    apply (is_derive_minus (fun _ => 1) (fun t => erf (t / - sqrt 2))); [apply is_derive_const | exact H].
  - rewrite sqrt_mult by (pose proof PI_RGT_0; lra).
    replace ((x / - sqrt 2) ^ 2) with (x ^ 2 / 2).
    + replace (- (x ^ 2 / 2)) with (- x ^ 2 / 2) by field.
      unfold minus, plus, opp, zero, scal, mult; simpl. unfold mult; simpl. field. lra.
    + rewrite <- (sqrt_sqrt 2) at 1 by lra. field. lra.
Qed.

(** gelu' x = Phi(x) + x phi(x). *)
Theorem gelu_rule : forall x,
  is_derive gelu x (normal_distribution x + x * normal_density x).
Proof.
  intro x. unfold gelu. eapply is_derive_as.
  - apply product_rule; [exact (is_derive_id x) | apply normal_distribution_rule].
  - unfold one; simpl. ring.
Qed.

(** ** Piecewise functions, away from and at their kinks *)

Definition relu (x : R) := Rmax x 0.

Lemma derive_where_equal_above : forall (f g : R -> R) a x l,
  (forall t, a < t -> g t = f t) -> a < x -> is_derive g x l -> is_derive f x l.
Proof.
  intros f g a x l H Hx. apply is_derive_ext_loc.
  apply (locally_interval _ x (Finite a) p_infty); simpl; auto.
Qed.

Lemma derive_where_equal_below : forall (f g : R -> R) a x l,
  (forall t, t < a -> g t = f t) -> x < a -> is_derive g x l -> is_derive f x l.
Proof.
  intros f g a x l H Hx. apply is_derive_ext_loc.
  apply (locally_interval _ x m_infty (Finite a)); simpl; auto.
Qed.

(** relu' = 1 where x is positive. *)
Theorem relu_rule_positive : forall x, 0 < x -> is_derive relu x 1.
Proof.
  intros x Hx. apply (derive_where_equal_above _ (fun t => t) 0); auto.
  - intros t Ht. unfold relu. rewrite Rmax_left; lra.
  - exact (is_derive_id x).
Qed.

(** relu' = 0 where x is negative. *)
Theorem relu_rule_negative : forall x, x < 0 -> is_derive relu x 0.
Proof.
  intros x Hx. apply (derive_where_equal_below _ (fun _ => 0) 0); auto.
  - intros t Ht. unfold relu. rewrite Rmax_right; lra.
  - apply (is_derive_const (_ : R)).
Qed.

(** At 0 relu has NO derivative: whatever a rule answers there is a convention. *)
Theorem relu_has_a_kink_at_zero : ~ ex_derive relu 0.
Proof.
  intros [l H]. apply is_derive_Reals in H. destruct (H (/ 2) ltac:(lra)) as [d Hd].
  pose proof (cond_pos d) as Hpos.
  assert (A : Rabs (d / 2) < d) by (rewrite Rabs_right; lra).
  assert (B : Rabs (- (d / 2)) < d) by (rewrite Rabs_Ropp; exact A).
  pose proof (Hd (d / 2) ltac:(lra) A) as H1. pose proof (Hd (- (d / 2)) ltac:(lra) B) as H2.
  unfold relu in H1, H2. rewrite (Rmax_left (0 + d / 2)), (Rmax_left 0 0) in H1 by lra.
  rewrite (Rmax_right (0 + - (d / 2))), (Rmax_left 0 0) in H2 by lra.
  replace ((0 + d / 2 - 0) / (d / 2)) with 1 in H1 by (field; lra).
  replace ((0 - 0) / - (d / 2)) with 0 in H2 by (field; lra).
  apply Rabs_def2 in H1. apply Rabs_def2 in H2. lra.
Qed.

(** abs' = 1 where x is positive; |x| = max(x, -x). *)
Theorem abs_rule_positive : forall x, 0 < x -> is_derive (fun t => Rmax t (- t)) x 1.
Proof.
  intros x Hx. apply (derive_where_equal_above _ (fun t => t) 0); auto.
  - intros t Ht. rewrite Rmax_left; lra.
  - exact (is_derive_id x).
Qed.

(** abs' = -1 where x is negative. *)
Theorem abs_rule_negative : forall x, x < 0 -> is_derive (fun t => Rmax t (- t)) x (- 1).
Proof.
  intros x Hx. apply (derive_where_equal_below _ (fun t => - t) 0); auto.
  - intros t Ht. rewrite Rmax_right; lra.
  - auto_derive; [exact I | ring].
Qed.

(** maximum' = 1 in the larger argument. *)
Theorem maximum_rule_larger : forall x y, y < x -> is_derive (fun t => Rmax t y) x 1.
Proof.
  intros x y H. apply (derive_where_equal_above _ (fun t => t) y); auto.
  - intros t Ht. rewrite Rmax_left; lra.
  - exact (is_derive_id x).
Qed.

(** maximum' = 0 in the smaller argument. *)
Theorem maximum_rule_smaller : forall x y, x < y -> is_derive (fun t => Rmax t y) x 0.
Proof.
  intros x y H. apply (derive_where_equal_below _ (fun _ => y) y); auto.
  - intros t Ht. rewrite Rmax_right; lra.
  - apply (is_derive_const (_ : R)).
Qed.

(** huber(r) = r^2/2 for |r| <= delta, delta (|r| - delta/2) beyond. *)
Definition huber (delta r : R) :=
  if Rle_dec (Rabs r) delta then r * r / 2 else delta * (Rabs r - delta / 2).

(** huber' = r inside the band, for |r| < delta. *)
Theorem huber_rule_inside : forall delta r, Rabs r < delta -> is_derive (huber delta) r r.
Proof.
  intros delta r H. apply Rabs_def2 in H.
  apply (is_derive_ext_loc (fun t => t * t / 2)).
  - apply (locally_interval _ r (Finite (- delta)) (Finite delta)); simpl; try lra.
    intros t Ht1 Ht2. unfold huber. destruct (Rle_dec (Rabs t) delta) as [_|N]; [reflexivity|].
    exfalso. apply N. apply Rabs_le. lra.
  - auto_derive; [exact I | field].
Qed.

(** huber' = delta above the band. *)
Theorem huber_rule_above : forall delta r, 0 < delta < r -> is_derive (huber delta) r delta.
Proof.
  intros delta r H. apply (derive_where_equal_above _ (fun t => delta * (t - delta / 2)) delta); try lra.
  - intros t Ht. unfold huber. rewrite Rabs_right by lra. destruct (Rle_dec t delta); lra.
  - auto_derive; [exact I | ring].
Qed.

(** huber' = -delta below the band. *)
Theorem huber_rule_below : forall delta r, 0 < delta -> r < - delta -> is_derive (huber delta) r (- delta).
Proof.
  intros delta r Hd H.
  apply (derive_where_equal_below _ (fun t => delta * (- t - delta / 2)) (- delta)); try lra.
  - intros t Ht. unfold huber. rewrite Rabs_left by lra. destruct (Rle_dec (- t) delta); lra.
  - auto_derive; [exact I | ring].
Qed.
