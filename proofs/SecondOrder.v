(** * First and second derivatives of programs, by dual numbers

    A program of +, - and * is evaluated over a commutative ring R, over the dual
    numbers R[e] with e e = 0, and over R[e1][e2].  The theorems of [Backprop]
    hold over ANY commutative ring, so they hold over dual numbers, and that is
    all that second order needs: the reverse sweep, run over dual numbers, gives
    the product of the Hessian matrix with a vector. *)

Require Import List Arith Lia Ring Ring_theory.
From GradCheck Require Import Backprop.
Import ListNotations.

(** ** Programs *)

Section Programs.

Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).

(** Operands are places on the tape. *)
Inductive instruction :=
  | Const (c : R)
  | Add (i j : nat)
  | Sub (i j : nat)
  | Mul (i j : nat).

Definition value (x : list R) (a : instruction) : R :=
  match a with
  | Const c => c
  | Add i j => radd (get R rO x i) (get R rO x j)
  | Sub i j => rsub (get R rO x i) (get R rO x j)
  | Mul i j => rmul (get R rO x i) (get R rO x j)
  end.

(** The values of the inputs [x], followed by those of all instructions. *)
Fixpoint eval (x : list R) (P : list instruction) : list R :=
  match P with
  | [] => x
  | a :: P' => eval (x ++ [value x a]) P'
  end.

(** The rules of differentiation. *)
Definition partials (x : list R) (a : instruction) : edges R :=
  match a with
  | Const _ => []
  | Add i j => [(i, rI); (j, rI)]
  | Sub i j => [(i, rI); (j, ropp rI)]
  | Mul i j => [(i, get R rO x j); (j, get R rO x i)]
  end.

Fixpoint linearise (x : list R) (P : list instruction) : tape R :=
  match P with
  | [] => []
  | a :: P' => partials x a :: linearise (x ++ [value x a]) P'
  end.

Definition operands_below (n : nat) (a : instruction) : Prop :=
  match a with
  | Const _ => True
  | Add i j | Sub i j | Mul i j => i < n /\ j < n
  end.

Fixpoint well_formed (n : nat) (P : list instruction) : Prop :=
  match P with
  | [] => True
  | a :: P' => operands_below n a /\ well_formed (S n) P'
  end.

(** The reverse gradient, at [x], of the sum of the tape's values weighted by [s]. *)
Definition gradient (x : list R) (P : list instruction) (s : list R) : list R :=
  backward R rO radd rmul (linearise x P) s.

End Programs.

Arguments Const {R}.
Arguments Add {R}.
Arguments Sub {R}.
Arguments Mul {R}.

(** A function on constants, applied to a program. *)
Definition translate {A B : Type} (f : A -> B) (a : instruction A) : instruction B :=
  match a with
  | Const c => Const (f c)
  | Add i j => Add i j
  | Sub i j => Sub i j
  | Mul i j => Mul i j
  end.

(** ** Dual numbers *)

Section Duals.

Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).
Variable R_ring : ring_theory rO rI radd rmul rsub ropp (@eq R).
Add Ring R_ring : R_ring.
Infix "+" := radd.
Infix "*" := rmul.
Infix "-" := rsub.

(** [(a, b)] is a + b e. *)
Definition dual := (R * R)%type.
Definition lift (a : R) : dual := (a, rO).
Definition dual_add (x y : dual) : dual := (fst x + fst y, snd x + snd y).
Definition dual_sub (x y : dual) : dual := (fst x - fst y, snd x - snd y).
Definition dual_mul (x y : dual) : dual := (fst x * fst y, fst x * snd y + snd x * fst y).
Definition dual_opp (x : dual) : dual := (ropp (fst x), ropp (snd x)).

(** The dual numbers over a commutative ring are a commutative ring. *)
Theorem dual_ring :
  ring_theory (lift rO) (lift rI) dual_add dual_mul dual_sub dual_opp (@eq dual).
Proof.
  constructor; intros; repeat match goal with x : dual |- _ => destruct x end;
    unfold lift, dual_add, dual_sub, dual_mul, dual_opp; simpl; f_equal; ring.
Qed.

Notation get := (get R rO).
Notation dot := (dot R rO radd rmul).
Notation eval := (eval R rO radd rmul rsub).
Notation evalD := (SecondOrder.eval dual (lift rO) dual_add dual_mul dual_sub).
Notation linearise := (linearise R rO rI radd rmul rsub ropp).
Notation forward := (forward R rO radd rmul).
Notation gradient := (gradient R rO rI radd rmul rsub ropp).

Lemma get_combine : forall x t i, length x = length t ->
  Backprop.get dual (lift rO) (combine x t) i = (get x i, get t i).
Proof. intros. unfold Backprop.get, lift. now apply combine_nth. Qed.

Lemma combine_snoc : forall (x t : list R) a b, length x = length t ->
  combine (x ++ [a]) (t ++ [b]) = combine x t ++ [(a, b)].
Proof.
  induction x as [|c x IH]; intros [|d t] a b H; simpl in *; try discriminate; [reflexivity|].
  now rewrite IH by lia.
Qed.

(** FORWARD ACCUMULATION IS EVALUATION OVER DUAL NUMBERS: the coefficient of e in
    f(x + t e) is the tangent that the rules of differentiation give. *)
Theorem tangents_are_dual_parts : forall P x t, length x = length t ->
  evalD (combine x t) (map (translate lift) P) = combine (eval x P) (forward t (linearise x P)).
Proof.
  induction P as [|a P IH]; intros x t H; simpl; [reflexivity|].
  rewrite <- IH by (rewrite !app_length; simpl; lia).
  rewrite combine_snoc by assumption. do 3 f_equal.
  destruct a as [c|i j|i j|i j]; simpl; rewrite ?get_combine by assumption;
    unfold lift, dual_add, dual_sub, dual_mul; simpl; f_equal; ring.
Qed.

Lemma linearise_valid : forall P x, well_formed R (length x) P -> valid R (length x) (linearise x P).
Proof.
  induction P as [|a P IH]; intros x H; simpl in *; [exact I|].
  destruct H as [Ha HP]. split.
  - destruct a; simpl in *; repeat constructor; simpl; tauto.
  - specialize (IH (x ++ [value R rO radd rmul rsub x a])).
    rewrite app_length, Nat.add_1_r in IH. auto.
Qed.

Lemma linearise_length : forall P x, length (linearise x P) = length P.
Proof. induction P; simpl; intros; auto. Qed.

Lemma eval_length : forall P x, length (eval x P) = (length x + length P)%nat.
Proof. induction P; simpl; intros; [lia|]. rewrite IHP, app_length. simpl. lia. Qed.

Lemma map_snd_combine : forall (x t : list R), length x = length t -> map snd (combine x t) = t.
Proof.
  induction x; intros [|? t] H; simpl in *; try discriminate; [reflexivity|].
  now rewrite IHx by lia.
Qed.

(** THE REVERSE GRADIENT IS THE DERIVATIVE.  Gradient times direction [t] is the
    coefficient of e in the weighted sum of f(x + t e), for every program of
    +, - and *, over every commutative ring. *)
Theorem gradient_is_derivative : forall P x t s,
  well_formed R (length x) P -> length x = length t -> length s = (length x + length P)%nat ->
  dot (gradient x P s) t = dot s (map snd (evalD (combine x t) (map (translate lift) P))).
Proof.
  intros P x t s HP Ht Hs. unfold SecondOrder.gradient.
  rewrite (tape_adjoint_identity R rO rI radd rmul rsub ropp R_ring).
  - rewrite tangents_are_dual_parts, map_snd_combine; auto.
    rewrite eval_length, forward_length, linearise_length. lia.
  - rewrite <- Ht. now apply linearise_valid.
  - rewrite linearise_length. lia.
Qed.

(** What "the coefficient of e" means without dual numbers: it is the linear
    coefficient of Taylor's formula, for every step [h] and with a remainder that
    is a multiple of h h. *)
Theorem dual_part_is_taylor_coefficient : forall P x t h, length x = length t ->
  let moved := map (fun d => fst d + h * snd d) in
  forall i, exists r,
  get (eval (moved (combine x t)) P) i =
  get (eval x P) i + h * get (forward t (linearise x P)) i + h * h * r.
Proof.
  intros P x t h H moved.
  assert (S0 : forall i, exists r, get (moved (combine x t)) i = get x i + h * get t i + h * h * r).
  { intro i. exists rO. unfold moved. revert t i H.
    induction x as [|a x IH]; intros [|b t] [|i] H; simpl in *; try discriminate; unfold Backprop.get; simpl; try ring.
    apply IH. lia. }
  assert (L0 : length (moved (combine x t)) = length x)
    by (unfold moved; rewrite map_length, combine_length; lia).
  revert L0 S0. generalize (moved (combine x t)) as y. clear moved.
  revert x t H. induction P as [|a P IH]; intros x t H y L0 S0; simpl; [exact S0|].
  apply IH.
  - rewrite !app_length. simpl. lia.
  - rewrite !app_length. simpl. lia.
  - intro i. unfold Backprop.get.
    destruct (Nat.lt_ge_cases i (length x)) as [Hi|Hi].
    + rewrite !app_nth1 by lia. apply S0.
    + rewrite !app_nth2 by lia. rewrite L0, <- H.
      destruct (i - length x)%nat as [|[|k]]; simpl; [| exists rO; ring | exists rO; ring].
      destruct a as [c|p q|p q|p q]; simpl; [exists rO; ring| | |];
        destruct (S0 p) as [u Hu], (S0 q) as [w Hw]; unfold Backprop.get in *; rewrite Hu, Hw.
      * exists (u + w). ring.
      * exists (u - w). ring.
      * set (A := nth p x rO). set (B := nth q x rO). set (A' := nth p t rO). set (B' := nth q t rO).
        exists (A' * B' + A * w + u * B + h * (A' * w + u * B') + h * h * (u * w)). ring.
Qed.

Lemma snd_dot_lift : forall g w,
  snd (Backprop.dot dual (lift rO) dual_add dual_mul g (map lift w)) = dot (map snd g) w.
Proof.
  induction g as [|[a b] g IH]; intros [|c w]; simpl; try reflexivity.
  rewrite IH. ring.
Qed.

Lemma snd_dot_lift_left : forall s y,
  snd (Backprop.dot dual (lift rO) dual_add dual_mul (map lift s) y) = dot s (map snd y).
Proof.
  induction s as [|c s IH]; intros [|[a b] y]; simpl; try reflexivity.
  rewrite IH. ring.
Qed.

End Duals.

(** ** Second order *)

(** A map that respects 0, +, - and * may be applied before or after evaluation. *)
Lemma eval_morphism : forall A aO aadd amul asub B bO badd bmul bsub (f : A -> B),
  f aO = bO ->
  (forall x y, f (aadd x y) = badd (f x) (f y)) ->
  (forall x y, f (amul x y) = bmul (f x) (f y)) ->
  (forall x y, f (asub x y) = bsub (f x) (f y)) ->
  forall P x,
  map f (eval A aO aadd amul asub x P) = eval B bO badd bmul bsub (map f x) (map (translate f) P).
Proof.
  intros A aO aadd amul asub B bO badd bmul bsub f H0 Ha Hm Hs.
  induction P as [|a P IH]; intro x; simpl; [reflexivity|].
  rewrite IH, map_app. simpl. do 3 f_equal.
  assert (G : forall i, Backprop.get B bO (map f x) i = f (Backprop.get A aO x i))
    by (intro i; unfold Backprop.get; rewrite <- H0; apply map_nth).
  destruct a; simpl; rewrite ?G; auto.
Qed.

Lemma well_formed_translate : forall A B (f : A -> B) P n,
  well_formed A n P -> well_formed B n (map (translate f) P).
Proof.
  induction P as [|a P IH]; intros n H; simpl in *; [exact I|].
  destruct H as [Ha HP]. split; [|auto]. destruct a; assumption.
Qed.

Section SecondOrder.

Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).
Variable R_ring : ring_theory rO rI radd rmul rsub ropp (@eq R).
Add Ring R_ring2 : R_ring.

Notation dot := (dot R rO radd rmul).
Notation D := (dual R).
Notation liftR := (lift R rO).
Notation addD := (dual_add R radd).
Notation mulD := (dual_mul R radd rmul).
Notation subD := (dual_sub R rsub).
Notation oppD := (dual_opp R ropp).
Notation gradientD := (gradient D (liftR rO) (liftR rI) addD mulD subD oppD).
Notation liftD := (lift D (liftR rO)).
Notation evalDD := (eval (dual D) (liftD (liftR rO)) (dual_add D addD) (dual_mul D addD mulD) (dual_sub D subD)).

(** x + v e1 + w e2 *)
Definition moved_twice (x v w : list R) : list (dual D) := combine (combine x v) (map liftR w).

(** The coefficient of e1 e2 in the weighted sum of f(x + v e1 + w e2): the second
    derivative in the directions [v] and [w], w^T H v. *)
Definition mixed (P : list (instruction R)) (s x v w : list R) : R :=
  dot s (map snd (map snd (evalDD (moved_twice x v w)
    (map (translate liftD) (map (translate liftR) P))))).

(** The reverse sweep over dual numbers, at x + v e; its e-part. *)
Definition hessian_times (P : list (instruction R)) (s x v : list R) : list R :=
  map snd (gradientD (combine x v) (map (translate liftR) P) (map liftR s)).

(** HESSIAN-VECTOR PRODUCTS.  The reverse sweep, run once over dual numbers, gives
    the Hessian matrix times [v]: its product with any [w] is w^T H v. *)
Theorem reverse_over_duals_is_hessian_vector : forall P s x v w,
  well_formed R (length x) P -> length v = length x -> length w = length x ->
  length s = (length x + length P)%nat ->
  dot (hessian_times P s x v) w = mixed P s x v w.
Proof.
  intros P s x v w HP Hv Hw Hs. unfold hessian_times, mixed, moved_twice.
  rewrite <- (snd_dot_lift R rO rI radd rmul rsub ropp R_ring).
  rewrite <- (snd_dot_lift_left R rO rI radd rmul rsub ropp R_ring). f_equal.
  assert (L : @length D (combine x v) = length x) by (unfold dual; rewrite combine_length; lia).
  apply (gradient_is_derivative D (liftR rO) (liftR rI) addD mulD subD oppD
           (dual_ring R rO rI radd rmul rsub ropp R_ring)).
  - rewrite L. now apply well_formed_translate.
  - rewrite L, map_length. lia.
  - rewrite L, !map_length. assumption.
Qed.

(** Exchanging e1 and e2. *)
Definition swap (q : dual D) : dual D :=
  ((fst (fst q), fst (snd q)), (snd (fst q), snd (snd q))).

(** THE HESSIAN MATRIX IS SYMMETRIC: w^T H v = v^T H w, for every program. *)
Theorem hessian_is_symmetric : forall P s x v w,
  length v = length x -> length w = length x -> mixed P s x v w = mixed P s x w v.
Proof.
  intros P s x v w Hv Hw. unfold mixed. f_equal.
  assert (E : evalDD (moved_twice x w v) (map (translate liftD) (map (translate liftR) P)) =
              map swap (evalDD (moved_twice x v w) (map (translate liftD) (map (translate liftR) P)))).
  { erewrite (eval_morphism (dual D) _ _ _ _ (dual D) _ _ _ _ swap).
    - f_equal.
      + unfold moved_twice. revert v w Hv Hw.
        induction x as [|a x IH]; intros [|b v] [|c w] Hv Hw; simpl in *; try discriminate; [reflexivity|].
        rewrite IH by lia. reflexivity.
      + rewrite !map_map. apply map_ext. intros [c|i j|i j|i j]; reflexivity.
    - reflexivity.
    - reflexivity.
    - intros [[a b] [c d]] [[a' b'] [c' d']]. unfold swap, dual_mul, dual_add. simpl.
      f_equal; f_equal; ring.
    - reflexivity. }
  rewrite E, !map_map. apply map_ext. intros [[a b] [c d]]. reflexivity.
Qed.

End SecondOrder.
